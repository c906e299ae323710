using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>A topology as a source would see it that forgot the borders (<see cref="SimulatedFaults"/>).</summary>
internal sealed class BorderlessTopology(ITopologySource real) : ITopologySource
{
    private Topology? _of, _made;

    public Topology Current
    {
        get
        {
            if (ReferenceEquals(_of, real.Current) && _made is not null)
                return _made;
            var now = _of = real.Current;
            string[] regions = [.. now.Nodes.Select(n => n.Region).Distinct()];
            return _made = new Topology(
                now.Epoch, [.. now.Classes.Select(c => c with { Regions = regions })], now.Nodes,
                [.. now.Classes.Select(c => Everywhere(now, now.MapOf(c.Id)))]);
        }
    }

    public SyncNode Self => real.Self;

    public long? ConfirmedAt => real.ConfirmedAt;

    public Task RefreshAsync(CancellationToken cancellationToken) => real.RefreshAsync(cancellationToken);

    public event Action<Topology>? Changed
    {
        add => real.Changed += value;
        remove => real.Changed -= value;
    }

    private static SlotMap Everywhere(Topology now, SlotMap map)
    {
        var slots = Enumerable.Range(0, SlotId.Count).Select(i => new SlotId((short)i)).ToList();
        return new SlotMap(
            [.. slots.Select(map.Home).Select(
                home => (NodeId[])[home, .. now.Nodes.Select(n => n.Id).Where(n => n != home)])],
            [.. slots.Select(map.Term)]);
    }
}

/// <summary>Keys of a node that says that it destroyed them (<see cref="SimulatedFaults"/>).</summary>
internal sealed class KeepingKeys(KeyStore real) : IDataKeys
{
    public event Action<IReadOnlyList<KeyId>>? Destroyed
    {
        add => real.Destroyed += value;
        remove => real.Destroyed -= value;
    }

    public ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken) =>
        real.ForWriteAsync(recordClass, tenant, subject, cancellationToken);

    public DataKeyLookup Find(KeyId id) => real.Find(id);

    public Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken) =>
        real.AddAsync(keys, cancellationToken);

    public Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<KeyId>> EraseAsync(
        SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken) =>
        Task.FromResult(real.OfSubject(subject));

    public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => real.OfSubject(subject);
}
