using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.Erasure;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Tests.Sealing;
using Lepton.Sync.V1;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Lepton.Sync.Tests.Erasure;

/// <summary>S7: erasure and export over mutual TLS, with PostgreSQL, over stops and starts.</summary>
[Collection("postgres")]
public sealed class ErasureServiceTests(SyncServer server) : IAsyncLifetime
{
    private static readonly string[] Regions = ["eu-west", "us-east"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestInstallation _installation = new() { Life = TimeSpan.FromHours(3) };
    private readonly ConcurrentDictionary<string, Uri> _addresses = new();
    private readonly List<GrpcChannel> _channels = [];
    private ErasureNode _europe = null!, _america = null!;

    public async Task InitializeAsync()
    {
        SealingSite europe = new("eu-west");
        SealingSite america = new("us-east", europe.BlindingKeyFile);
        _europe = new ErasureNode(_installation, europe, await server.CreateDatabaseAsync(), Regions, _addresses);
        _america = new ErasureNode(_installation, america, await server.CreateDatabaseAsync(), Regions, _addresses);
        await _europe.StartAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var channel in _channels)
            channel.Dispose();
        await _america.DisposeAsync();
        await _europe.DisposeAsync();
        _installation.Dispose();
    }

    [Fact]
    public async Task Erase_RegionCutOff_IsPendingOverARestartThenDoneWithReceiptsThatVerify()
    {
        await _america.StartAsync();
        var own = await _europe.PutAsync("canary-key", "canary-value", "canary-subject");
        var theirs = await _america.PutAsync("canary-key-2", "canary-value-2", "canary-subject");
        await _america.Keys.AddAsync([_europe.Keys.Find(own.KeyId).Key!], default);
        await _america.StopAsync();

        var erased = (await Subjects(_europe, "acme").EraseAsync(
            new EraseRequest { Subject = "canary-subject" })).Erasure;
        Assert.Equal(["eu-west-a", "us-east-a"], erased.Receipts.Select(r => r.Node));
        Assert.Equal([ErasureState.Done, ErasureState.Pending], erased.Receipts.Select(r => r.State));
        Assert.Equal((1, 1L), (erased.Receipts[0].Keys, erased.Receipts[0].Records));
        await _europe.StopAsync();
        await _europe.StartAsync();
        Assert.Equal(ErasureState.Pending, (await GetAsync(erased.ErasureId)).Receipts[1].State);
        await _america.StartAsync();
        var done = await DoneAsync(erased.ErasureId);

        var order = new ErasureOrder(Guid.Parse(done.ErasureId), _europe.Sealer.DigestOf("acme", "canary-subject"),
            done.OrderTime.ToDateTimeOffset(), "eu-west-a");
        Assert.All(done.Receipts, r => Assert.Null(Receipts.Fault(
            ErasureMessages.Read(r), order, r.Node, r.Region, _europe.Get<TlsMaterial>().IsTrustedServer)));
        foreach (var node in new[] { _europe, _america })
        {
            Assert.All([own.KeyId, theirs.KeyId], id => Assert.Equal(KeyState.Erased, node.Keys.Find(id).State));
            Assert.All(node.Records.Rows, r => Assert.Equal(RecordKind.Tombstone, r.Kind));
            AssertNoCanary(node.Site.AllBytes());
            AssertNoCanary(await DumpAsync(node.Database));
            Assert.All(node.Records.Rows, r => AssertNoCanary([.. r.Key.Span, .. r.Body.Span]));
        }
        // Whichever node is asked tells the same, for it asks the one that ordered it.
        Assert.Equal(done, await GetAsync(done.ErasureId, _america));
        string none = Guid.NewGuid().ToString();
        await RefusedAsync("ERASURE_UNKNOWN", GetAsync(none, _america));
        await RefusedAsync("ERASURE_UNKNOWN", Subjects(_america, "globex").GetErasureAsync(
            new GetErasureRequest { ErasureId = done.ErasureId }).ResponseAsync);
        await _europe.StopAsync();
        foreach (var id in new[] { done.ErasureId, none }) // it may have ordered the other, too
        {
            var silent = await Assert.ThrowsAsync<RpcException>(() => GetAsync(id, _america));
            Assert.Equal((StatusCode.Unavailable, "ERASURE_UNAVAILABLE"),
                (silent.StatusCode, RpcErrors.ReasonOf(silent)));
            Assert.Equal("eu-west-a", RpcErrors.InfoOf(RpcErrors.DetailsOf(silent))!.Metadata["nodes"]);
        }
        await RefusedAsync("ERASURE_UNKNOWN", Subjects(_america, "globex").GetErasureAsync(
            new GetErasureRequest { ErasureId = done.ErasureId }).ResponseAsync);
    }

    /// <summary>S7: an order that cannot be carried out says so by a reason, and is carried out later.</summary>
    [Fact]
    public async Task Erase_KeyStoreUnwritable_SaysSoAndIsCarriedOutLater()
    {
        CrashingKeyFile file = new();
        await _europe.StopAsync();
        await _europe.StartAsync(services => services.AddSingleton<IKeyFile>(file));
        var row = await _europe.PutAsync("k", "v", "ada");
        file.FailNextReplacement = true;

        var refused = await Assert.ThrowsAsync<RpcException>(
            () => Subjects(_europe, "acme").EraseAsync(new EraseRequest { Subject = "ada" }).ResponseAsync);

        Assert.Equal((StatusCode.Unavailable, "KEY_STORE_UNAVAILABLE"),
            (refused.StatusCode, RpcErrors.ReasonOf(refused)));
        Assert.Equal("Sync:Keys:StoreDirectory",
            RpcErrors.InfoOf(RpcErrors.DetailsOf(refused))!.Metadata["setting"]);
        await UntilAsync(() => Task.FromResult(_europe.Keys.Find(row.KeyId).State == KeyState.Erased));
    }

    [Fact]
    public async Task Export_OfASubject_IsItsRecordsAloneAndNothingAfterItsErasure()
    {
        for (var i = 0; i < 230; i++)
            await _europe.PutAsync($"a/{i}", $"value {i}", "ada");
        await _europe.PutAsync("b", "bob's", "bob");
        await _europe.PutAsync("a/0", "globex's", "ada", tenant: "globex");

        var exported = await ExportAsync("acme", "ada");
        await Subjects(_europe, "acme").EraseAsync(new EraseRequest { Subject = "ada" });

        Assert.Equal(230, exported.Count);
        Assert.All(exported, r => Assert.Equal(
            ("personal", "acme", r.Key.Key.Replace("a/", "value ")),
            (r.Key.RecordClass, r.Key.Tenant, r.Value.ToStringUtf8())));
        Assert.Empty(await ExportAsync("acme", "ada"));
        Assert.Single(await ExportAsync("acme", "bob"));
        Assert.Single(await ExportAsync("globex", "ada"));
    }

    [Fact]
    public async Task Calls_OfOtherTenantsOrWrongFields_AreRefusedByName()
    {
        var acme = Subjects(_europe, "acme");
        var erased = await acme.EraseAsync(new EraseRequest { Subject = "ada" });
        _installation.SignAccess("""
            { "version": 2, "tenants": {}, "assignments": [
              { "tenant": "globex", "role": "steward", "regions": ["*"] },
              { "tenant": "ops", "role": "steward", "regions": ["*"], "allTenants": true }] }
            """);
        var access = _europe.Get<AccessFile>();
        await UntilAsync(() => Task.FromResult(access.Current.Version == 2));

        var globex = Subjects(_europe, "globex");
        var ops = Subjects(_europe, "ops");

        await RefusedAsync("CALLER_NOT_ALLOWED", acme.EraseAsync(new EraseRequest { Subject = "ada" }).ResponseAsync);
        await RefusedAsync("CALLER_NOT_ALLOWED",
            globex.EraseAsync(new EraseRequest { Subject = "ada", Tenant = "acme" }).ResponseAsync);
        await RefusedAsync("ERASURE_UNKNOWN", globex.GetErasureAsync(
            new GetErasureRequest { ErasureId = erased.Erasure.ErasureId }).ResponseAsync);
        await RefusedAsync("FIELD_INVALID", globex.EraseAsync(new EraseRequest()).ResponseAsync);
        await RefusedAsync("FIELD_INVALID", globex.EraseAsync(
            new EraseRequest { Subject = new string('ä', 129) }).ResponseAsync);
        await RefusedAsync("FIELD_INVALID", globex.GetErasureAsync(
            new GetErasureRequest { ErasureId = "none" }).ResponseAsync);
        await RefusedAsync("FIELD_INVALID",
            ops.EraseAsync(new EraseRequest { Subject = "ada", Tenant = "No Tenant" }).ResponseAsync);
        Assert.Equal("acme", (await ops.EraseAsync(
            new EraseRequest { Subject = "ada", Tenant = "acme" })).Erasure.Tenant);
        Assert.Equal("acme", (await ops.GetErasureAsync(
            new GetErasureRequest { ErasureId = erased.Erasure.ErasureId })).Erasure.Tenant);
    }

    [Fact]
    public async Task ApplyErasure_ByOthersThanSyncOrDamaged_IsRefused()
    {
        ApplyErasureRequest good = new()
        {
            ErasureId = Guid.NewGuid().ToString(), Tenant = "acme", Node = "us-east-a",
            SubjectDigest = ByteString.CopyFrom(_europe.Sealer.DigestOf("acme", "ada").Digest.Span),
            OrderTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
        };
        var row = await _europe.PutAsync("k", "v", "ada");

        await RefusedAsync("CALLER_NOT_ALLOWED", Peer("us-east", "routing").ApplyErasureAsync(good).ResponseAsync);
        await RefusedAsync("CALLER_NOT_ALLOWED", new PeerService.PeerServiceClient(
            Channel(_europe, _installation.Tenant("acme"))).ApplyErasureAsync(good).ResponseAsync);
        Action<ApplyErasureRequest>[] damages =
        [
            r => r.ErasureId = "1", r => r.Tenant = "", r => r.SubjectDigest = ByteString.CopyFrom(1),
            r => r.OrderTime = null, r => r.OrderTime = new Timestamp { Seconds = long.MaxValue }, r => r.Node = "",
            r => r.KeyIds.Add(ByteString.CopyFrom(1)),
            r => r.KeyIds.Add(Enumerable.Repeat(ByteString.CopyFrom(new byte[16]), 10_001)),
        ];
        var peer = Peer("us-east", "sync");
        foreach (var damage in damages)
        {
            var request = good.Clone();
            damage(request);
            await RefusedAsync("FIELD_INVALID", peer.ApplyErasureAsync(request).ResponseAsync);
        }
        Assert.Equal(KeyState.Live, _europe.Keys.Find(row.KeyId).State);

        var first = await peer.ApplyErasureAsync(good);
        var second = await peer.ApplyErasureAsync(good);
        Assert.Equal(first, second);
        Assert.Equal(KeyState.Erased, _europe.Keys.Find(row.KeyId).State);
        Assert.Equal([row.KeyId], ErasureMessages.Read(first.KeyIds));
    }

    private V1.SubjectService.SubjectServiceClient Subjects(ErasureNode node, string tenant) =>
        new(Channel(node, _installation.Tenant(tenant)));

    private PeerService.PeerServiceClient Peer(string region, string service) =>
        new(Channel(_europe, _installation.Service(region, service)));

    private GrpcChannel Channel(ErasureNode node, (string, string) shown)
    {
        var channel = _installation.Channel(node.Address, shown);
        _channels.Add(channel);
        return channel;
    }

    private async Task<V1.Erasure> GetAsync(string id, ErasureNode? node = null) => (await Subjects(
        node ?? _europe, "acme").GetErasureAsync(new GetErasureRequest { ErasureId = id })).Erasure;

    private async Task<V1.Erasure> DoneAsync(string id)
    {
        V1.Erasure erasure = new();
        await UntilAsync(async () =>
            (erasure = await GetAsync(id)).Receipts.All(r => r.State == ErasureState.Done));
        return erasure;
    }

    private async Task<List<V1.Record>> ExportAsync(string tenant, string subject)
    {
        using var call = Subjects(_europe, tenant).Export(new ExportRequest { Subject = subject });
        List<V1.Record> records = [];
        while (await call.ResponseStream.MoveNext(default))
            records.Add(call.ResponseStream.Current.Record);
        return records;
    }

    private static async Task RefusedAsync(string reason, Task call) =>
        Assert.Equal(reason, RpcErrors.ReasonOf(await Assert.ThrowsAsync<RpcException>(() => call)));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = new(Patience);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(50));
        while (!await condition())
            await timer.WaitForNextTickAsync(patience.Token);
    }

    // Every row of every table of the part, as text; binary columns in full, so that nothing hides in an escape.
    private static async Task<byte[]> DumpAsync(string database)
    {
        await using NpgsqlConnection connection = new(database);
        await connection.OpenAsync();
        StringBuilder dump = new();
        foreach (var table in new[] { "erasures", "erasure_receipts" })
        {
            await using NpgsqlCommand read = new($"SELECT * FROM {table}", connection);
            await using var rows = await read.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                for (var i = 0; i < rows.FieldCount; i++)
                    dump.Append(rows.GetValue(i) is byte[] bytes ? Encoding.Latin1.GetString(bytes) : rows.GetValue(i));
            }
        }
        Assert.True(dump.Length > 100);
        return Encoding.UTF8.GetBytes(dump.ToString());
    }

    private static void AssertNoCanary(byte[] bytes) => Assert.True(bytes.AsSpan().IndexOf("canary"u8) < 0);
}
