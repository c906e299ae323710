using System.Security.Cryptography;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Benchmarks.Sync;

/// <summary>So many keys in memory; the store behind them is measured elsewhere.</summary>
internal sealed class BenchKeys : IDataKeys
{
    private readonly Dictionary<KeyId, DataKey> _keys;

    public BenchKeys(int count)
    {
        All = [.. Enumerable.Range(0, count).Select(_ => new DataKey(
            new KeyId(Guid.NewGuid()), new ClassId(0), null, RandomNumberGenerator.GetBytes(32)))];
        _keys = All.ToDictionary(k => k.Id);
    }

    public DataKey[] All { get; }

    public event Action<IReadOnlyList<KeyId>>? Destroyed
    {
        add { }
        remove { }
    }

    public DataKeyLookup Find(KeyId id) => new(KeyState.Live, _keys[id]);

    public ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken) => new(All[0]);

    public Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<KeyId>> EraseAsync(
        SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => [];
}

/// <summary>One node and one class with blind keys.</summary>
internal sealed class BenchTopology : ITopologySource
{
    public Topology Current { get; } = new(1,
        [new RecordClass(new ClassId(0), "personal", "eu-personal", ["eu-west"], 1, 1, null, KeyForm.Blind)],
        [new SyncNode(new NodeId(0), "eu-west", "a", 100)],
        [new SlotMap(
            [.. Enumerable.Repeat<NodeId[]>([new NodeId(0)], SlotId.Count)],
            [.. Enumerable.Repeat(1L, SlotId.Count)])]);

    public SyncNode Self => Current.Nodes[0];

    public long? ConfirmedAt => 0;

    public event Action<Topology>? Changed
    {
        add { }
        remove { }
    }

    public Task RefreshAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
