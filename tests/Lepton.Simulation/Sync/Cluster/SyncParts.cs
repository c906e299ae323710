using Lepton.ServiceDefaults;
using Lepton.Sync.Erasure;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RecordReads = Lepton.Sync.Homes.RecordReads;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>
/// One run of a node: the product's parts, put together as the service does, over simulated disk, database and network.
/// </summary>
internal sealed class SyncParts
{
    private readonly TopologyWatch _topology;
    private readonly KeyStore _keyStore;
    private readonly HybridClock _clock;
    private readonly CapturePump _pump;
    private readonly ReplicationReceivers _receivers;
    private readonly ErasureWorker _worker;
    private readonly IRecordStore _store;

    // The topology is known: what is made here stands on it.
    private SyncParts(
        SimulatedCluster cluster, SimulatedSyncNode node, SimulatedProcess process, TopologyWatch topology)
    {
        (Process, _topology, _store) = (process, topology, node.Database.Store);
        var (random, loggers, meters, time) = (cluster.Random, cluster.LoggersOf(node), cluster.Meters, Time);
        var storage = Options.Create(SyncSettings.Storage);
        StorageMetrics storageMetrics = new(meters);
        _clock = new HybridClock(time, storage, storageMetrics, loggers.CreateLogger<HybridClock>());
        HomeWriter writer = new(_store, _clock, storage, storageMetrics, loggers.CreateLogger<HomeWriter>());

        SeededEntropy entropy = new(random);
        SealingMetrics sealing = new(meters);
        BlindingKey blinding = new(SyncWorld.BlindingSecret);
        _keyStore = new KeyStore(node.Disk.KeyFile(time), node.KeyProvider, blinding, entropy,
            Options.Create(SyncSettings.Keys), sealing, time, loggers.CreateLogger<KeyStore>());
        Keys = cluster.Faults.KeepsErasedKeys ? new KeepingKeys(_keyStore) : _keyStore;
        var sealingOptions = Options.Create(SyncSettings.Sealing);
        Sealer = new RecordSealer(topology, blinding, new BodyCodec(sealingOptions),
            new CipherCache(_keyStore, sealingOptions), entropy, sealing);

        SimulatedPeers peers = new(cluster, node);
        ReplicationMetrics metrics = new(meters);
        var replication = SyncSettings.Replication;
        Lag lag = new(time);
        HomePromises promises = new(time);
        MapTurns turns = new(topology);
        Spool = new Spool(node.Disk.Spool(time), replication, metrics, loggers.CreateLogger<Spool>());
        Confirmations confirmations = new(topology, replication, metrics, time);
        SimulatedCapture capture = new(node.Database, replication.HeartbeatInterval, time, random);
        _pump = new CapturePump(
            capture, Spool, confirmations, replication, time, random, loggers.CreateLogger<CapturePump>());
        ITopologySource seen = cluster.Faults.SourceIgnoresRegions ? new BorderlessTopology(topology) : topology;
        Source = new ReplicationSource(seen, Spool, _store, Keys, confirmations, lag, turns, replication, metrics,
            time, loggers.CreateLogger<ReplicationSource>());
        Slots = new ReplicaSlots(topology, node.Database);
        Quarantine quarantine = new(new NoFiles(cluster, node), replication, metrics,
            loggers.CreateLogger<Quarantine>());
        _receivers = new ReplicationReceivers(
            new ReceiverParts(topology, _store, Slots, Keys, quarantine, turns, promises, lag, replication,
                metrics, time), peers, random, loggers);

        var homes = Options.Create(SyncSettings.Homes);
        ReplicaView view = new(lag, Slots, confirmations, Spool, peers, _store, Keys);
        Watch = new PeerWatch(topology, peers, () => view, promises, homes, time);
        HomeLease lease = new(topology, Watch, homes, time);
        ReadCache cache = new(homes, time, Keys);
        RowOpener opener = new(Sealer, view);
        Local = new LocalHome(
            topology, lease, Keys, Sealer, writer, _store, confirmations, cache, homes, time);
        Writes = new RecordWrites(topology, Local, peers, cache);
        Reads = new RecordReads(topology, Local, peers, _store, view, opener, cache, time);
        Promoter = new Promoter(topology, cluster.StoreFor(node), Watch, view, homes, time);

        Eraser = new Eraser(node.Database, Keys, new ErasedRecords(topology, _store, writer, cache), peers,
            new UnsignedReceipts(), Sealer, topology, entropy, random, Options.Create(SyncSettings.Erasure),
            new ErasureMetrics(meters), time, loggers.CreateLogger<Eraser>());
        _worker = new ErasureWorker(Eraser, time, loggers.CreateLogger<ErasureWorker>());
    }

    public SimulatedProcess Process { get; }

    public TimeProvider Time => Process.Time;

    public ITopologySource Topology => _topology;

    public IDataKeys Keys { get; }

    public RecordSealer Sealer { get; }

    public Spool Spool { get; }

    public ReplicaSlots Slots { get; }

    public ReplicationSource Source { get; }

    public PeerWatch Watch { get; }

    public LocalHome Local { get; }

    public RecordWrites Writes { get; }

    public RecordReads Reads { get; }

    public Promoter Promoter { get; }

    public Eraser Eraser { get; }

    /// <summary>Starts a node as the service does: topology, storage, keys, replication, the watch over the others.
    /// </summary>
    public static async Task<SyncParts> StartAsync(
        SimulatedCluster cluster, SimulatedSyncNode node, SimulatedProcess process)
    {
        var loggers = cluster.LoggersOf(node);
        PlacementMetrics metrics = new(cluster.Meters);
        TopologyWatch topology = new(
            cluster.StoreFor(node),
            new KeptTopology(node.Disk.TopologyFile(), metrics, loggers.CreateLogger<KeptTopology>()),
            SyncWorld.Planner, Options.Create(SyncWorld.Placement),
            Options.Create(new ServiceOptions { Region = node.Node.Region, Zone = node.Node.Zone }), process.Time,
            metrics, new NoLifetime(cluster, node), loggers.CreateLogger<TopologyWatch>());
        await topology.StartAsync(default);
        SyncParts parts = new(cluster, node, process, topology);
        await parts.StartAsync(cluster, node);
        return parts;
    }

    /// <summary>An address as this node's map has it.</summary>
    public RecordAddress Readdress(RecordAddress address) =>
        address with { Class = Topology.Current[address.Class.Id] };

    public RecordAddress Address(ClassId recordClass, string key)
    {
        var stored = Sealer.StoredKey(recordClass, SyncWorld.Tenant, key);
        return new RecordAddress(
            Topology.Current[recordClass], SyncWorld.Tenant, key, stored, KeyHash.SlotOf(stored.Span));
    }

    private async Task StartAsync(SimulatedCluster cluster, SimulatedSyncNode node)
    {
        while (true)
        {
            try
            {
                _clock.Observe(await _store.ReadGreatestClockAsync(default));
                break;
            }
            catch (DatabaseUnavailableException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), Time); // it starts beside us
            }
        }
        await _keyStore.LoadAsync(node.Node.Name, default);
        await Spool.OpenAsync(default);
        foreach (var (name, loop) in (IEnumerable<(string, Task)>)[
            ("capture", _pump.RunAsync(default)), ("receivers", _receivers.RunAsync(default)),
            ("peer watch", Watch.RunAsync(default)), ("erasure", _worker.RunAsync(default))])
            _ = WatchAsync(cluster, node, name, loop);
    }

    private static async Task WatchAsync(SimulatedCluster cluster, SimulatedSyncNode node, string name, Task loop)
    {
        try
        {
            await loop;
            cluster.Watch.Fail($"{node.Node.Name}: the loop of {name} ended");
        }
        catch (Exception e)
        {
            cluster.Watch.Fail($"{node.Node.Name}: the loop of {name} ended: {e}");
        }
    }

    private sealed class NoLifetime(SimulatedCluster cluster, SimulatedSyncNode node) : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => cluster.Watch.Fail($"{node.Node.Name} stops by itself");
    }

    // Nothing is damaged in this world: what is put aside was made wrong.
    private sealed class NoFiles(SimulatedCluster cluster, SimulatedSyncNode node) : IQuarantineFiles
    {
        public void Save(string name, ReadOnlySpan<byte> row) =>
            cluster.Watch.Fail($"{node.Node.Name}: row {name} came damaged");
    }

    private sealed class UnsignedReceipts : IReceiptSigner
    {
        public NodeReceipt Sign(
            ErasureOrder order, SyncNode self, DateTimeOffset destroyTime, int keys, long records) =>
            new(self.Name, self.Region, destroyTime, keys, records, "");
    }
}
