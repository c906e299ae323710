using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>A topology that a test changes.</summary>
internal sealed class Maps(Topology first, NodeId self) : ITopologySource
{
    private Func<Topology>? _newest;

    public Topology Current { get; private set; } = first;

    public SyncNode Self => Current[self];

    public long? ConfirmedAt => null;

    public event Action<Topology>? Changed;

    /// <summary>What a refresh finds.</summary>
    public void Store(Func<Topology> newest) => _newest = newest;

    public Task RefreshAsync(CancellationToken cancellationToken)
    {
        if (_newest?.Invoke() is { } newest && newest.Epoch > Current.Epoch)
            Set(newest);
        return Task.CompletedTask;
    }

    public void Set(Topology next)
    {
        Topology before = Current;
        Current = next;
        Changed?.Invoke(before);
    }

    /// <summary>Nodes 0 <c>eu-a</c>, 1 <c>eu-b</c>, 2 <c>us-a</c>.</summary>
    public static readonly IReadOnlyList<SyncNode> Nodes =
    [
        new(new NodeId(0), "eu", "a", 100), new(new NodeId(1), "eu", "b", 100), new(new NodeId(2), "us", "a", 100),
    ];

    public const int Shared = 0;
    public const int EuOnly = 1;

    /// <summary>
    /// Class 0 <c>shared</c> (eu, us) and 1 <c>eu-only</c>; every slot of each has these replicas and this term.
    /// </summary>
    public static Topology Make(long epoch, int[] shared, int[] euOnly, long term = 1) => new(epoch,
        [
            new(new ClassId(0), "shared", "public", ["eu", "us"], 2, 2, null, KeyForm.Clear),
            new(new ClassId(1), "eu-only", "personal", ["eu"], 1, 2, null, KeyForm.Clear),
        ],
        Nodes, [Map(_ => shared, _ => term), Map(_ => euOnly, _ => term)]);

    public static SlotMap Map(Func<int, int[]> replicas, Func<int, long> term) => new(
        [.. Enumerable.Range(0, SlotId.Count).Select(s => replicas(s).Select(n => new NodeId((short)n)).ToArray())],
        [.. Enumerable.Range(0, SlotId.Count).Select(term)]);
}
