using System.Globalization;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Replication.Wire;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>A node's replication as its service puts it together, over real sockets and a real database.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestNode(SyncNode node, string connection, Maps maps, MemoryKeys keys, PgStore store, WebApplication app)
    {
        (Node, Connection, Maps, Keys, Store, _app) = (node, connection, maps, keys, store, app);
    }

    public SyncNode Node { get; }

    public string Connection { get; }

    public Maps Maps { get; }

    public MemoryKeys Keys { get; }

    public PgStore Store { get; }

    public Confirmations Confirmations => Get<Confirmations>();

    public Lag Lag => Get<Lag>();

    public ReplicaSlots Slots => Get<ReplicaSlots>();

    public int Port => new Uri(_app.Urls.First()).Port;

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <param name="installation">Whose certificates.</param>
    /// <param name="node">Which node.</param>
    /// <param name="map">The first map.</param>
    /// <param name="connection">Its database.</param>
    /// <param name="urls">The nodes' addresses.</param>
    /// <param name="spool">Its spool's folder.</param>
    /// <param name="lie">Answers to the others instead of the node's own, given what it would say.</param>
    /// <param name="settings">More configuration.</param>
    public static async Task<TestNode> StartAsync(TestInstallation installation, SyncNode node, Topology map,
        string connection, IReadOnlyList<string> urls, string spool, Func<PeerService, V1.PeerService.PeerServiceBase>?
        lie = null, Dictionary<string, string?>? settings = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (Environment.GetEnvironmentVariable("LEPTON_TEST_LOG") is not null)
            builder.Logging.AddSimpleConsole(c => c.SingleLine = true);
        Dictionary<string, string?> configuration = installation.Configuration(node.Region, "sync");
        configuration["Lepton:Zone"] = node.Zone;
        configuration["Sync:Replication:Slot"] = SlotName(connection, node);
        configuration["Sync:Replication:SpoolDirectory"] = spool;
        configuration["Sync:Replication:CopySlotsMax"] = "2048";
        configuration["Sync:Replication:RetryTimeMax"] = "00:00:00.5";
        configuration["Sync:Replication:IdleProgressInterval"] = "00:00:00.5";
        configuration["Sync:Replication:HeartbeatInterval"] = "00:00:00.2";
        for (int i = 0; i < urls.Count; i++)
            configuration[$"Sync:Nodes:{i}:Url"] = urls[i];
        foreach ((string key, string? value) in settings ?? [])
            configuration[key] = value;
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddServiceDefaults("sync");
        PgStore store = new(connection);
        await store.CreateAsync();
        (Maps maps, MemoryKeys keys) = (new Maps(map, node.Id), new MemoryKeys());
        builder.Services.AddSingleton<ITopologySource>(maps).AddSingleton<IDataKeys>(keys)
            .AddSingleton<IRecordStore>(store).AddSyncReplication(_ => () => connection);
        if (lie is not null)
            builder.Services.AddSingleton(s => new Liar(
                lie(ActivatorUtilities.CreateInstance<PeerService>(s))));
        WebApplication app = builder.Build();
        app.MapServiceDefaults(SyncApp.NoOthers, V1.PeerService.Descriptor);
        if (lie is not null)
            app.MapGrpcService<Liar>();
        else
            app.MapGrpcService<PeerService>();
        await app.StartAsync();
        return new TestNode(node, connection, maps, keys, store, app);
    }

    /// <summary>Slots are the server's: each database's has its own name.</summary>
    public static string SlotName(string connection, SyncNode node) => string.Create(CultureInfo.InvariantCulture,
        $"n{node.Id.Value}_{new Npgsql.NpgsqlConnectionStringBuilder(connection).Database}");

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource patience = new(Until.Patience);
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Whatever it was given answers.</summary>
    internal sealed class Liar(V1.PeerService.PeerServiceBase lie) : V1.PeerService.PeerServiceBase
    {
        public override Task Replicate(Grpc.Core.IAsyncStreamReader<V1.ReplicateRequest> requestStream,
            Grpc.Core.IServerStreamWriter<V1.ReplicateResponse> responseStream, Grpc.Core.ServerCallContext context) =>
            lie.Replicate(requestStream, responseStream, context);

        public override Task CopySlots(V1.CopySlotsRequest request,
            Grpc.Core.IServerStreamWriter<V1.CopySlotsResponse> responseStream, Grpc.Core.ServerCallContext context) =>
            lie.CopySlots(request, responseStream, context);

        public override Task<V1.GetDataKeysResponse> GetDataKeys(
            V1.GetDataKeysRequest request, Grpc.Core.ServerCallContext context) => lie.GetDataKeys(request, context);
    }
}
