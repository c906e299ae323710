using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Policies;

/// <summary>Verifies what signers signed for a record.</summary>
internal delegate SignedContent ReadSigned(ReadOnlyMemory<byte> jws, string record);

/// <summary>A version and its check.</summary>
internal sealed record Submitted(PolicyRecord Record, PolicyReport Report, PolicyDiff Difference);

/// <summary>What is in force, and its version in the store.</summary>
internal sealed record InForce(ActivationOrder Order, string StoreVersion);

/// <summary>
/// The versions of the residency policy, who stands behind each, and which is active where (C3). The service has no
/// signer's key: it keeps and publishes what was signed, and only when the rules say so.
/// </summary>
internal sealed class PolicyBook(
    IPolicyStore store, ReadSigned readSigned, PolicyAudit audit, PolicyMetrics metrics,
    ResidencyPolicy seed, ReadOnlyMemory<byte> seedDocument, IOptions<PolicyOptions> options, TimeProvider time)
{
    private const int NoteMax = 1000;

    // What "*" stands for.
    private readonly string[] _world = options.Value.Regions.Count > 0
        ? [.. options.Value.Regions]
        : [.. seed.Regions.Union(seed.Law?.Regions.Keys ?? [])];

    public async Task<PolicyRecord> FindAsync(long version, CancellationToken cancellationToken)
    {
        if (version != 0)
            return await TryFindAsync(version, cancellationToken) ?? throw PolicyErrors.Unknown(version);
        var active = (await InForceAsync(cancellationToken)).Order;
        return await FindAsync(active.Active[ActivationOrder.Everywhere], cancellationToken);
    }

    /// <summary>The versions there are, the newest first.</summary>
    public async Task<IReadOnlyList<long>> VersionsAsync(CancellationToken cancellationToken)
    {
        var (index, _) = await store.IndexAsync(cancellationToken);
        var order = (await InForceAsync(cancellationToken)).Order;
        return [.. (index?.Versions ?? []).Union(order.Policies.Keys).OrderDescending()];
    }

    /// <summary>What was active before the last order; empty: there was none.</summary>
    public async Task<IReadOnlyDictionary<string, long>> BeforeAsync(CancellationToken cancellationToken) =>
        (await store.IndexAsync(cancellationToken)).Value?.Before ?? new Dictionary<string, long>();

    /// <summary>
    /// The order in force; where the record is a policy itself, or there is none and every service goes by its file,
    /// the order that says the same.
    /// </summary>
    public async Task<InForce> InForceAsync(CancellationToken cancellationToken)
    {
        var (jws, version) = await store.ActiveAsync(cancellationToken);
        if (jws is null)
            return new InForce(OrderOf(seed.Version, seedDocument), version);
        var content = Verify(jws, ControlData.PolicyKey);
        if (ActivationOrder.Read(content.Content) is { } order)
            return new InForce(order, version);
        // Services with a newer file go by that; so does this.
        return content.Version >= seed.Version
            ? new InForce(OrderOf(content.Version, content.Content), version)
            : new InForce(OrderOf(seed.Version, seedDocument), version);
    }

    public Task<Submitted> SubmitAsync(
        Caller caller, ReadOnlyMemory<byte> jws, string note, CancellationToken cancellationToken)
    {
        if (note.Length > NoteMax)
            throw PolicyErrors.FieldInvalid("note", $"takes {NoteMax} characters at most");
        var version = VersionOf(jws);
        var content = Verify(jws, RecordPolicyStore.KeyOf(version));
        PolicyRecord record = new()
        {
            Version = version, Digest = ResidencyPolicy.DigestOf(content.Content),
            Document = content.Content.ToArray(), Author = caller.Principal, SubmitTime = time.GetUtcNow(), Note = note,
        };
        return audit.AroundAsync(caller, "policy.submit", $"policies/{version}", Details(record),
            () => SubmitAsync(record, cancellationToken), cancellationToken);
    }

    public Task<PolicyRecord> ApproveAsync(
        Caller caller, long version, string digest, CancellationToken cancellationToken) =>
        audit.AroundAsync(caller, "policy.approve", $"policies/{version}",
            new Dictionary<string, string> { ["digest"] = digest },
            () => ApproveAsync(caller.Principal, version, digest, cancellationToken), cancellationToken);

    public Task<ActivationOrder> ActivateAsync(
        Caller caller, ReadOnlyMemory<byte> jws, CancellationToken cancellationToken)
    {
        var content = Verify(jws, ControlData.PolicyKey);
        ActivationOrder order;
        try
        {
            order = ActivationOrder.Read(content.Content)
                ?? throw PolicyErrors.FieldInvalid("jws", "takes an order of activation, not a policy");
        }
        catch (ResidencyPolicyException e)
        {
            throw PolicyErrors.FieldInvalid("jws", e.Message);
        }
        if (order.Version != content.Version)
            throw PolicyErrors.FieldInvalid("jws", $"is signed as version {content.Version}, says {order.Version}");
        return audit.AroundAsync(caller, "policy.activate", $"policies/{order.Active[ActivationOrder.Everywhere]}",
            new Dictionary<string, string>
            {
                ["order"] = $"{order.Version}",
                ["active"] = string.Join(", ", order.Active.Select(a => $"{a.Key}: {a.Value}")),
            },
            () => ActivateAsync(order, jws, cancellationToken), cancellationToken);
    }

    /// <summary>A policy as a check reads it: compiled today, for its own regions.</summary>
    public ResidencyPolicy Compile(PolicyRecord record) => ResidencyPolicy.Parse(record.Document, _world, time);

    private async Task<Submitted> SubmitAsync(PolicyRecord record, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var report = PolicyCheck.Run(record.Document, _world, time);
        metrics.CheckDuration.Record(time.GetElapsedTime(began).TotalSeconds);
        if (!report.IsGood || report.Policy is null)
            throw PolicyErrors.CheckFailed(report);
        if (report.Policy.Version != record.Version)
            throw PolicyErrors.FieldInvalid("jws",
                $"is signed as version {record.Version}, and the policy says {report.Policy.Version}");
        var active = (await InForceAsync(cancellationToken)).Order;
        var difference = PolicyDiff.Between(
            Compile(await FindAsync(0, cancellationToken)), report.Policy);
        var (there, at) = await store.FindAsync(record.Version, cancellationToken);
        if (there is not null)
            return there.Digest == record.Digest && there.Author == record.Author
                ? new Submitted(there, report, difference)
                : throw PolicyErrors.VersionTaken(record.Version);
        if (record.Version <= active.Policies.Keys.Max())
            throw PolicyErrors.VersionTaken(record.Version);
        await NoteAsync(record.Version, cancellationToken); // first, so that none is kept that no list has
        return await store.WriteAsync(record, at, cancellationToken)
            ? new Submitted(record, report, difference)
            : throw PolicyErrors.VersionTaken(record.Version);
    }

    private async Task<PolicyRecord> ApproveAsync(
        string approver, long version, string digest, CancellationToken cancellationToken)
    {
        var (record, at) = await store.FindAsync(version, cancellationToken);
        if (record is null)
            throw PolicyErrors.Unknown(version);
        if (record.Author == approver)
            throw PolicyErrors.OwnApproval(version);
        if (record.Digest != digest)
            throw PolicyErrors.Changed(version);
        if (record.IsApproved)
            return record;
        var approved = record with { Approver = approver, ApproveTime = time.GetUtcNow() };
        return await store.WriteAsync(approved, at, cancellationToken)
            ? approved
            : throw PolicyErrors.Changed(version);
    }

    private async Task<ActivationOrder> ActivateAsync(
        ActivationOrder order, ReadOnlyMemory<byte> jws, CancellationToken cancellationToken)
    {
        var now = await InForceAsync(cancellationToken);
        Dictionary<long, PolicyRecord> known = [];
        foreach (var version in order.Policies.Keys)
            if (await TryFindAsync(version, cancellationToken) is { } record)
                known[version] = record;
        if (ActivationRules.Refusal(now.Order, order, known, options.Value.PilotTimeMin, time.GetUtcNow()) is { } why)
            throw why;
        foreach (var version in order.Active.Values.Distinct())
            await StampAsync(known[version], order, cancellationToken);
        if (!await store.ActivateAsync(jws.ToArray(), now.StoreVersion, cancellationToken))
            throw PolicyErrors.OrderStale(order.Version, now.Order.Version);
        var (index, at) = await store.IndexAsync(cancellationToken);
        // Only for people's convenience: who activated last is told what was before.
        await store.WriteIndexAsync((index ?? new PolicyIndex()) with { Before = now.Order.Active }, at,
            cancellationToken);
        return order;
    }

    // Seeds are kept with the first order that has them: old versions stay, to be replayed.
    private async Task StampAsync(PolicyRecord record, ActivationOrder order, CancellationToken cancellationToken)
    {
        var (there, at) = await store.FindAsync(record.Version, cancellationToken);
        if (there is null)
            await NoteAsync(record.Version, cancellationToken);
        var stamped = (there ?? record) with
        {
            PilotTime = (there ?? record).PilotTime ?? time.GetUtcNow(),
            EverywhereTime = (there ?? record).EverywhereTime
                ?? (order.Active[ActivationOrder.Everywhere] == record.Version ? time.GetUtcNow() : null),
        };
        if (stamped != there && !await store.WriteAsync(stamped, at, cancellationToken))
            throw PolicyErrors.Changed(record.Version);
    }

    private async Task NoteAsync(long version, CancellationToken cancellationToken)
    {
        var (index, at) = await store.IndexAsync(cancellationToken);
        index ??= new PolicyIndex();
        if (index.Versions.Contains(version))
            return;
        if (index.Versions.Count >= options.Value.VersionsMax)
            throw PolicyErrors.FieldInvalid("version",
                $"is one more than Policies:VersionsMax ({options.Value.VersionsMax}); none is ever dropped");
        if (!await store.WriteIndexAsync(index with { Versions = [.. index.Versions, version] }, at, cancellationToken))
            throw PolicyErrors.RecordsUnavailable("Somebody else submits a policy at this moment; try again.");
    }

    private async Task<PolicyRecord?> TryFindAsync(long version, CancellationToken cancellationToken)
    {
        if ((await store.FindAsync(version, cancellationToken)).Value is { } record)
            return record;
        var order = (await InForceAsync(cancellationToken)).Order;
        return order.Policies.TryGetValue(version, out var document) && order.Approvals[version].IsSeed
            ? new PolicyRecord
            {
                Version = version, Digest = order.Approvals[version].Digest, Document = document.ToArray(),
                IsSeed = true,
            }
            : null;
    }

    private static ActivationOrder OrderOf(long version, ReadOnlyMemory<byte> document) => new(
        version, new Dictionary<string, long> { [ActivationOrder.Everywhere] = version },
        new Dictionary<long, PolicyApproval>
        {
            [version] = new(ResidencyPolicy.DigestOf(document), "", "", DateTimeOffset.UnixEpoch, IsSeed: true),
        },
        new Dictionary<long, ReadOnlyMemory<byte>> { [version] = document });

    private SignedContent Verify(ReadOnlyMemory<byte> jws, string record)
    {
        try
        {
            return readSigned(jws, record);
        }
        catch (ControlContentException e)
        {
            throw PolicyErrors.SignatureInvalid(e.Message);
        }
    }

    // The record's key names the version, which only the header says: read unverified, then verified for that key.
    private static long VersionOf(ReadOnlyMemory<byte> jws) => SignedContent.PeekVersion(jws.Span)
        ?? throw PolicyErrors.SignatureInvalid("takes a JWS in compact form; ./lepton policy submit makes one.");

    private static Dictionary<string, string> Details(PolicyRecord record) => new() { ["digest"] = record.Digest };
}
