using System.Collections.Concurrent;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Sync.Tests.Sealing;
using Lepton.Sync.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Sync.Tests.Erasure;

/// <summary>
/// A node with sealing and erasure as the service puts them together: real sockets, mTLS, PostgreSQL and files. It may
/// be stopped and started again over the same database and folders.
/// </summary>
internal sealed class ErasureNode(
    TestInstallation installation, SealingSite site, string database, string[] regions,
    ConcurrentDictionary<string, Uri> addresses) : IAsyncDisposable
{
    private WebApplication? _app;

    public SealingSite Site => site;

    public string Database => database;

    public MemoryRecords Records { get; } = new();

    public string Address { get; private set; } = "";

    public KeyStore Keys => Get<KeyStore>();

    public RecordSealer Sealer => (RecordSealer)Get<IRecordSealer>();

    public T Get<T>() where T : notnull => (_app ?? throw new InvalidOperationException("It is stopped."))
        .Services.GetRequiredService<T>();

    /// <param name="change">Other parts than the service's own.</param>
    public async Task StartAsync(Action<IServiceCollection>? change = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration(site.Region, "sync"));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Sync:Sealing:BlindingKeyFile"] = site.BlindingKeyFile,
            ["Sync:Keys:StoreDirectory"] = site.Keys.StoreDirectory,
            ["Sync:Keys:ProviderDirectory"] = site.Keys.ProviderDirectory,
            ["Sync:Keys:SecretFile"] = site.SecretFile,
            ["Sync:Erasure:RetryFirst"] = "00:00:00.1",
            ["Sync:Erasure:RetryMax"] = "00:00:01",
        });
        builder.AddServiceDefaults("sync");
        builder.Services.AddSyncFaults().AddSyncSealing().AddSyncErasure()
            .AddSingleton<ITopologySource>(new FixedTopology(site.Region, regions))
            .AddSingleton<IRecordStore>(Records)
            .AddSingleton<IErasedRecords>(Records)
            .AddSingleton<DatabaseConnection>(() => database)
            .AddSingleton<PeerAddress>(node => addresses.GetValueOrDefault(node.Name))
            .AddSingleton<PeerAdapter>();
        change?.Invoke(builder.Services);
        _app = builder.Build();
        _app.MapServiceDefaults(SyncApp.NoOthers, PeerService.Descriptor, V1.SubjectService.Descriptor);
        _app.MapGrpcService<PeerAdapter>();
        _app.MapGrpcService<Sync.Erasure.SubjectService>();
        await _app.StartAsync();
        Address = _app.Urls.Single();
        addresses[Get<ITopologySource>().Self.Name] = new Uri(Address);
    }

    public async Task StopAsync()
    {
        if (_app is not { } app)
            return;
        addresses.TryRemove(Get<ITopologySource>().Self.Name, out _);
        _app = null;
        await app.StopAsync();
        await app.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        site.Dispose();
    }

    public async Task<StoredRecord> PutAsync(string key, string value, string subject, string tenant = "acme")
    {
        var row = Sealer.Seal(new PlainRecord
        {
            Class = FixedTopology.Blind, Slot = new SlotId(1), Tenant = tenant, Key = key,
            StoredKey = Sealer.StoredKey(FixedTopology.Blind, tenant, key),
            Version = new RecordVersion(1, 0x0190_0000_0000), Kind = RecordKind.Value,
            Value = System.Text.Encoding.UTF8.GetBytes(value), RequestId = Guid.Empty,
        }, await Keys.ForWriteAsync(FixedTopology.Blind, tenant, subject, default));
        Records.Put(row);
        return row;
    }

    /// <summary>The methods of the peer service that this part has.</summary>
    internal sealed class PeerAdapter(ErasureEndpoint erasure) : PeerService.PeerServiceBase
    {
        public override Task<ApplyErasureResponse> ApplyErasure(
            ApplyErasureRequest request, ServerCallContext context) => erasure.ApplyAsync(request, context);

        public override Task<FindErasureResponse> FindErasure(
            FindErasureRequest request, ServerCallContext context) => erasure.FindAsync(request, context);
    }
}
