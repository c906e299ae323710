using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

namespace Lepton.Compliance.Policies;

/// <summary>PolicyService: wire types in and out.</summary>
internal sealed class PolicyEndpoint(PolicyBook book, PolicyShelf shelf, PastDecisions past, TimeProvider time)
    : PolicyService.PolicyServiceBase
{
    private const int DocumentMax = 700 * 1024, PageMax = 100, PageDefault = 20, DecisionsMax = 10_000;

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    public override async Task<CheckPolicyResponse> CheckPolicy(CheckPolicyRequest request, ServerCallContext context)
    {
        if (request.Document.Length is 0 or > DocumentMax)
            throw PolicyErrors.FieldInvalid("document", $"takes 1 to {DocumentMax} bytes of JSON, regimes in it");
        var active = book.Compile(await book.FindAsync(0, context.CancellationToken));
        var report = PolicyCheck.Run(request.Document.Memory, active.Regions, time);
        CheckPolicyResponse response = new() { Report = PolicyWire.Report(report) };
        if (report.Policy is { } policy)
            response.Difference = PolicyWire.Difference(PolicyDiff.Between(active, policy));
        return response;
    }

    public override async Task<SubmitPolicyResponse> SubmitPolicy(
        SubmitPolicyRequest request, ServerCallContext context)
    {
        var submitted = await book.SubmitAsync(
            context.GetCaller(), Jws(request.Jws), request.Note, context.CancellationToken);
        return new SubmitPolicyResponse
        {
            Policy = PolicyWire.Policy(submitted.Record), Report = PolicyWire.Report(submitted.Report),
            Difference = PolicyWire.Difference(submitted.Difference),
        };
    }

    public override async Task<ApprovePolicyResponse> ApprovePolicy(
        ApprovePolicyRequest request, ServerCallContext context) => new()
    {
        Policy = PolicyWire.Policy(await book.ApproveAsync(context.GetCaller(), Required(request.Version, "version"),
            request.Digest, context.CancellationToken)),
    };

    public override async Task<GetPolicyResponse> GetPolicy(GetPolicyRequest request, ServerCallContext context)
    {
        var record = await book.FindAsync(request.Version, context.CancellationToken);
        return new GetPolicyResponse
        {
            Policy = PolicyWire.Policy(record), Document = UnsafeByteOperations.UnsafeWrap(record.Document),
        };
    }

    public override async Task<ListPoliciesResponse> ListPolicies(
        ListPoliciesRequest request, ServerCallContext context)
    {
        if (request.PageSize is < 0 or > PageMax)
            throw PolicyErrors.FieldInvalid("page_size", $"takes 1 to {PageMax}; 0 means {PageDefault}");
        var before = long.MaxValue;
        if (request.PageToken.Length > 0 && !long.TryParse(request.PageToken, out before))
            throw PolicyErrors.FieldInvalid("page_token", "takes the next_page_token of the last answer");
        var size = request.PageSize == 0 ? PageDefault : request.PageSize;
        long[] versions = [.. (await book.VersionsAsync(context.CancellationToken)).Where(v => v < before)];
        ListPoliciesResponse response = new()
        {
            NextPageToken = versions.Length > size ? $"{versions[size - 1]}" : "",
        };
        foreach (var version in versions.Take(size))
            response.Policies.Add(PolicyWire.Policy(await book.FindAsync(version, context.CancellationToken)));
        return response;
    }

    public override async Task<GetActivationResponse> GetActivation(
        GetActivationRequest request, ServerCallContext context)
    {
        var order = (await book.InForceAsync(context.CancellationToken)).Order;
        return new GetActivationResponse
        {
            Order = order.Version, Active = { order.Active.ToDictionary() },
            Document = UnsafeByteOperations.UnsafeWrap(order.Write()),
            Before = { (await book.BeforeAsync(context.CancellationToken)).ToDictionary() },
        };
    }

    public override async Task<ActivateOrderResponse> ActivateOrder(
        ActivateOrderRequest request, ServerCallContext context)
    {
        var order = await book.ActivateAsync(context.GetCaller(), Jws(request.Jws), context.CancellationToken);
        return new ActivateOrderResponse { Order = order.Version, Active = { order.Active.ToDictionary() } };
    }

    public override async Task<DecideResponse> Decide(DecideRequest request, ServerCallContext context)
    {
        var name = request.Purpose.Length == 0 ? "inference" : request.Purpose;
        var purpose = Vocabulary.PurposeOf(name)
            ?? throw PolicyErrors.FieldInvalid("purpose", $"takes one of {string.Join(", ", Vocabulary.PurposeNames)}");
        if (request.Region.Length == 0)
            throw PolicyErrors.FieldInvalid("region", "is required");
        var version = request.Version != 0 ? request.Version
            : (await book.InForceAsync(context.CancellationToken)).Order.In(request.Region);
        var policy = await shelf.GetAsync(version, Today, context.CancellationToken);
        if (request.DataClass.Length > 0)
            return PolicyWire.Answer(policy.Explain(request.DataClass, purpose, request.Region)
                ?? throw PolicyErrors.FieldInvalid("data_class",
                    $"takes one of {string.Join(", ", policy.DataClasses.Select(c => c.Name))}"), policy.Digest);
        if (request.Subject.Length == 0 || request.Category.Length == 0)
            throw PolicyErrors.FieldInvalid("data_class", "is required, or subject and category");
        return PolicyWire.Answer(
            policy.Decide(request.Subject, request.Category, purpose, request.Region), policy.Digest);
    }

    public override async Task<DiffResponse> Diff(DiffRequest request, ServerCallContext context)
    {
        var was = book.Compile(await book.FindAsync(request.FromVersion, context.CancellationToken));
        var now = book.Compile(await book.FindAsync(
            Required(request.ToVersion, "to_version"), context.CancellationToken));
        return new DiffResponse { Difference = PolicyWire.Difference(PolicyDiff.Between(was, now)) };
    }

    public override async Task<SimulateResponse> Simulate(SimulateRequest request, ServerCallContext context)
    {
        var changed = await past.SimulateAsync(
            Required(request.Version, "version"), Read(request.Decisions), context.CancellationToken);
        return new SimulateResponse { Total = request.Decisions.Count, Changed = { PolicyWire.Changed(changed) } };
    }

    public override async Task<ReplayResponse> Replay(ReplayRequest request, ServerCallContext context)
    {
        var different = await past.ReplayAsync(Read(request.Decisions), context.CancellationToken);
        return new ReplayResponse { Total = request.Decisions.Count, Different = { PolicyWire.Changed(different) } };
    }

    private static IReadOnlyList<PastDecision> Read(RepeatedField<V1.PastDecision> decisions)
    {
        if (decisions.Count is 0 or > DecisionsMax)
            throw PolicyErrors.FieldInvalid("decisions", $"takes 1 to {DecisionsMax}");
        return [.. decisions.Select((d, i) => new PastDecision(d.Id, d.Tenant, d.Model, d.DataClass,
            d.CreateTime?.ToDateTimeOffset()
                ?? throw PolicyErrors.FieldInvalid($"decisions[{i}].create_time", "is required"),
            d.PolicyVersion, d.PolicyDigest, d.AllowedRegions))];
    }

    private static ReadOnlyMemory<byte> Jws(ByteString jws) => jws.Length is > 0 and <= SignedContent.BytesMax
        ? jws.Memory
        : throw PolicyErrors.FieldInvalid("jws", $"takes 1 to {SignedContent.BytesMax} bytes");

    private static long Required(long version, string field) =>
        version > 0 ? version : throw PolicyErrors.FieldInvalid(field, "takes a version of 1 or more");
}
