using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Lepton.ServiceDefaults;
using Lepton.Simulation.Sync;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lepton.Sync.Tests.Replication;

/// <summary>
/// One stream from node 0, as node 1 receives it: what is sent, and what is acknowledged. One class, on nodes 0, 1, 2.
/// </summary>
internal sealed class TestReceiver : IReplicationPeer, IReplicationStream, ITopologySource, IDataKeys, IReplicaState
{
    public static readonly ClassId Class = new(0);
    public static readonly SlotId Slot = new(77);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly SyncNode[] Nodes = [.. Enumerable.Range(0, 3).Select(
        i => new SyncNode(new NodeId((short)i), "eu-west", ((char)('a' + i)).ToString(), 100))];

    private readonly Channel<SourceMessage> _sent = Channel.CreateUnbounded<SourceMessage>();
    private readonly Channel<(LogPosition Position, long Epoch)> _told =
        Channel.CreateUnbounded<(LogPosition, long)>();
    private readonly CancellationTokenSource _end = new();
    private readonly Task[] _running;

    public TestReceiver(long epoch, long term, params short[] replicas)
    {
        Current = Map(epoch, term, replicas);
        ReplicationOptions options = new();
        var metrics = World.Parts.Metrics();
        Store = new SimulatedRecordStore(Time, new Random(1));
        Turns = new MapTurns(this);
        Promises = new HomePromises(Time);
        Slots = new ReplicaSlots(this, this);
        Quarantine quarantine = new(new NoFiles(), options, metrics, NullLogger<Quarantine>.Instance);
        ReceiverParts parts = new(this, Store, Slots, this, quarantine, Turns, Promises, new Lag(Time), options,
            metrics, Time);
        RowIntake intake = new(Nodes[0].Id, this, this, quarantine, metrics, NullLogger.Instance);
        Applier = new StreamApplier(Nodes[0], this, this, intake, new SourceProgress(Nodes[0].Id, "t", new(1)), parts);
        Retry retry = new(TimeSpan.FromSeconds(1), Time, new Random(1));
        _running = [Applier.ReceiveAsync(_end.Token), Applier.ApplyAsync(retry, _end.Token)];
    }

    public MovableTime Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(56));

    public SimulatedRecordStore Store { get; }

    public MapTurns Turns { get; }

    public HomePromises Promises { get; }

    public ReplicaSlots Slots { get; }

    public StreamApplier Applier { get; }

    /// <summary>Done as the keys of rows that were taken are looked for, before the rows are committed.</summary>
    public Action LookingForKeys { get; set; } = () => { };

    /// <summary>Done as an origin is written down.</summary>
    public Func<Task> WritingOrigins { get; set; } = () => Task.CompletedTask;

    public Topology Current { get; private set; }

    public SyncNode Self => Nodes[1];

    public long? ConfirmedAt => null;

    /// <summary>The residency policy in force.</summary>
    public bool PolicyAllows { get; set; } = true;

    public bool MayHold(RecordClass recordClass, string region) => PolicyAllows && recordClass.Allows(region);

    public event Action<Topology>? Changed;

    public event Action<IReadOnlyList<KeyId>>? Destroyed
    {
        add { }
        remove { }
    }

    public static StoredRecord Row(string key, long term, long clock) =>
        Storage.TestRecords.Value(key, new RecordVersion(term, clock), recordClass: Class.Value, slot: Slot.Value);

    /// <summary>Another map. The first of the replicas is home.</summary>
    public void Change(long epoch, long term, params short[] replicas)
    {
        var before = Current;
        Current = Map(epoch, term, replicas);
        Changed?.Invoke(before);
    }

    /// <summary>Sends rows by the map of an epoch.</summary>
    /// <returns>The epoch that the receiver names when it acknowledges them.</returns>
    public async Task<long> SendAsync(ulong position, long epoch, params StoredRecord[] rows)
    {
        byte[] batch = [.. rows.SelectMany(RowCodec.Encode)];
        _sent.Writer.TryWrite(new SourceFrame(epoch, new LogPosition(position), null, batch, Crc32C.Of(batch)));
        while (true)
        {
            var told = _told.Reader.ReadAsync().AsTask();
            if (await Task.WhenAny([told, .. _running]).WaitAsync(Patience) is var first && first != told)
                await first;
            if ((await told).Position.Value >= position)
                return (await told).Epoch;
        }
    }

    /// <summary>The keys that are held here.</summary>
    public async Task<string[]> KeysAsync() => [.. (await Store.ScanAsync(
        new ScanRange(Class, null, default, default, true), 100, default)).Select(
            r => System.Text.Encoding.UTF8.GetString(r.Key.Span))];

    public async Task EndAsync()
    {
        await _end.CancelAsync();
        foreach (var task in _running)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        _end.Dispose();
    }

    public Task RefreshAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<SourceMessage?> ReadAsync(CancellationToken cancellationToken) =>
        await _sent.Reader.ReadAsync(cancellationToken);

    public Task AcknowledgeAsync(LogPosition position, long epoch, CancellationToken cancellationToken) =>
        _told.Writer.WriteAsync((position, epoch), cancellationToken).AsTask();

    public Task<IReplicationStream> OpenAsync(
        string timeline, LogPosition position, CancellationToken cancellationToken) =>
        Task.FromResult<IReplicationStream>(this);

    public async IAsyncEnumerable<CopiedRows> CopyAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long epoch,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        yield break;
    }

    public Task<IReadOnlyList<DataKeyLookup>> GetKeysAsync(
        IReadOnlyList<KeyId> ids, CancellationToken cancellationToken) => throw new NotSupportedException();

    public DataKeyLookup Find(KeyId id)
    {
        LookingForKeys();
        return new DataKeyLookup(KeyState.Erased, null);
    }

    public ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<KeyId>> EraseAsync(
        SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => [];

    Task<IReadOnlyList<SlotOrigin>> IReplicaState.ReadAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<SlotOrigin>>([]);

    public Task WriteAsync(IReadOnlyList<SlotOrigin> origins, CancellationToken cancellationToken) =>
        WritingOrigins();

    public Task ForgetAsync(NodeId home, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;

    private static Topology Map(long epoch, long term, short[] replicas)
    {
        NodeId[][] lists = [.. Enumerable.Repeat(replicas.Select(r => new NodeId(r)).ToArray(), SlotId.Count)];
        return new Topology(
            epoch, [new RecordClass(Class, "public", "public", ["eu-west"], 1, 3, null, KeyForm.Clear)], Nodes,
            [new SlotMap(lists, [.. Enumerable.Repeat(term, SlotId.Count)])]);
    }

    private sealed class NoFiles : IQuarantineFiles
    {
        public void Save(string name, ReadOnlySpan<byte> row) => Assert.Fail("A row came damaged.");
    }
}
