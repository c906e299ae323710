using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.Policies;
using Lepton.Compliance.Tests.Law;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Tests.Policies;

/// <summary>A book over records in memory, with a real signer and an audit log that can fail.</summary>
internal sealed class BookWorld : IDisposable
{
    public static readonly Caller Anna = Person("anna"), Bert = Person("bert");

    private readonly X509Certificate2 _signer = Signer();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public BookWorld(TimeSpan pilotTimeMin = default, params string[] regions)
    {
        var options = Options.Create(new PolicyOptions { PilotTimeMin = pilotTimeMin });
        foreach (var region in regions)
            options.Value.Regions.Add(region);
        PolicyMetrics metrics = new(_services.GetRequiredService<IMeterFactory>());
        Book = new PolicyBook(Store, (jws, record) => SignedContent.Read(jws, record,
                (certificate, _) => certificate.RawData.AsSpan().SequenceEqual(_signer.RawData), Time.GetUtcNow()),
            new PolicyAudit(Audit, metrics), metrics, Shipped.Policy, Shipped.Bundle, options, Time);
        Shelf = new PolicyShelf(Book, options);
        Past = new PastDecisions(Shelf, Book, Time);
    }

    public MovableTime Time { get; } = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));

    public MemoryStore Store { get; } = new();

    public RecordingLog Audit { get; } = new();

    public PolicyBook Book { get; }

    public PolicyShelf Shelf { get; }

    public PastDecisions Past { get; }

    /// <summary>The shipped policy as another version.</summary>
    public static ReadOnlyMemory<byte> Version(long version, Action<JsonObject>? change = null) => Shipped.With(p =>
    {
        p["version"] = version;
        p["dataClasses"]!["apac-personal"]!["description"] = $"version {version}";
        change?.Invoke(p);
    });

    public ReadOnlyMemory<byte> Sign(string record, long version, ReadOnlyMemory<byte> content) =>
        SignedContent.Sign(record, version, content, _signer, Time.GetUtcNow()).Jws;

    public Task<Submitted> SubmitAsync(Caller author, long version, Action<JsonObject>? change = null) =>
        Book.SubmitAsync(author, Sign($"policies/{version}", version, Version(version, change)), "", default);

    public async Task<PolicyRecord> SubmitAndApproveAsync(long version, Action<JsonObject>? change = null)
    {
        var submitted = await SubmitAsync(Anna, version, change);
        return await Book.ApproveAsync(Bert, version, submitted.Record.Digest, default);
    }

    /// <summary>Signs the order that says so and hands it in.</summary>
    public async Task<ActivationOrder> ActivateAsync(params (string Region, long Version)[] active)
    {
        var now = (await Book.InForceAsync(default)).Order;
        var order = await OrderAsync(now.Version + 1, active);
        return await Book.ActivateAsync(
            Bert, Sign(ControlData.PolicyKey, order.Version, order.Write()), default);
    }

    public async Task<ActivationOrder> OrderAsync(long version, params (string Region, long Version)[] active)
    {
        Dictionary<long, PolicyApproval> approvals = [];
        Dictionary<long, ReadOnlyMemory<byte>> policies = [];
        foreach (var wanted in active.Select(a => a.Version).Distinct())
        {
            var record = await Book.FindAsync(wanted, default);
            approvals[wanted] = new PolicyApproval(record.Digest, record.Author, record.Approver,
                record.ApproveTime ?? Time.GetUtcNow(), record.IsSeed);
            policies[wanted] = record.Document;
        }
        return new ActivationOrder(version, active.ToDictionary(a => a.Region, a => a.Version), approvals, policies);
    }

    public void Dispose()
    {
        _signer.Dispose();
        _services.Dispose();
    }

    private static Caller Person(string name) => new(CallerKind.Tenant, "", "", name);

    private static X509Certificate2 Signer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=signer", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(
            new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }
}

/// <summary>Records in memory, written only as they were read: what Sync does, without it.</summary>
internal sealed class MemoryStore : IPolicyStore
{
    private readonly Dictionary<string, (object Value, long Version)> _records = [];

    public Task<Kept<PolicyRecord>> FindAsync(long version, CancellationToken cancellationToken) =>
        Read<PolicyRecord>($"policies/{version}");

    public Task<bool> WriteAsync(PolicyRecord record, string expectedVersion, CancellationToken cancellationToken) =>
        Put($"policies/{record.Version}", record, expectedVersion);

    public Task<Kept<PolicyIndex>> IndexAsync(CancellationToken cancellationToken) =>
        Read<PolicyIndex>("policies/index");

    public Task<bool> WriteIndexAsync(
        PolicyIndex index, string expectedVersion, CancellationToken cancellationToken) =>
        Put("policies/index", index, expectedVersion);

    public Task<Kept<byte[]>> ActiveAsync(CancellationToken cancellationToken) => Read<byte[]>(ControlData.PolicyKey);

    public Task<bool> ActivateAsync(byte[] jws, string expectedVersion, CancellationToken cancellationToken) =>
        Put(ControlData.PolicyKey, jws, expectedVersion);

    private Task<Kept<T>> Read<T>(string key) where T : class => Task.FromResult(
        _records.TryGetValue(key, out var found) ? new Kept<T>((T)found.Value, $"{found.Version}")
            : new Kept<T>(null, Kept<T>.None));

    private Task<bool> Put(string key, object value, string expected)
    {
        var now = _records.TryGetValue(key, out var found) ? found.Version : 0;
        if ($"{now}" != expected)
            return Task.FromResult(false);
        _records[key] = (value, now + 1);
        return Task.FromResult(true);
    }
}
