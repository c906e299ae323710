using Lepton.Sync.Placement;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>
/// What is being committed of other nodes' rows, and by which map it was judged. Whoever acts on a newer map waits
/// until what was judged by older ones is through: it would be committed over what came by the newer one, and never be
/// looked at again.
/// </summary>
internal sealed class MapTurns(ITopologySource topology)
{
    private readonly Lock _state = new();
    private readonly HashSet<Turn> _turns = [];
    private readonly AsyncSignal _ended = new();

    /// <summary>A commit begins, to be judged by <see cref="Turn.Map"/> alone. It is over when that is disposed of.
    /// </summary>
    public Turn Begin()
    {
        lock (_state)
        {
            // Read in here: who waits for older ones sees this one, or this one sees that map.
            Turn turn = new(topology.Current, this);
            _turns.Add(turn);
            return turn;
        }
    }

    /// <summary>Returns when nothing that was judged by an older map than this node's is being committed.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        var epoch = topology.Current.Epoch;
        while (true)
        {
            var ended = _ended.Next;
            lock (_state)
                if (_turns.All(t => t.Map.Epoch >= epoch))
                    return;
            await ended.WaitAsync(cancellationToken);
        }
    }

    private void End(Turn turn)
    {
        lock (_state)
            _turns.Remove(turn);
        _ended.Set();
    }

    /// <summary>One commit.</summary>
    internal sealed class Turn(Topology map, MapTurns turns) : IDisposable
    {
        public Topology Map => map;

        public void Dispose() => turns.End(this);
    }
}
