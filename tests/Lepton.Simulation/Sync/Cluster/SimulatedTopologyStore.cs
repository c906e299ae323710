using Lepton.Sync.Placement;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>The one store of the topology. It may be away, for all or for one node, and an answer may be lost.
/// </summary>
internal sealed class SimulatedTopologyStore(SimulatedMachine machine, Random random, Topology first)
{
    /// <summary>Nobody reaches it.</summary>
    public bool IsDown { get; set; }

    /// <summary>These nodes do not reach it.</summary>
    public HashSet<int> CutFrom { get; } = [];

    public Topology Current { get; private set; } = first;

    /// <summary>Done while a change is on its way, before it is judged.</summary>
    public Func<Task> Replacing { get; set; } = () => Task.CompletedTask;

    /// <summary>Told before and after of each change.</summary>
    public Action<Topology, Topology>? Changed { get; set; }

    public ITopologyStore For(SimulatedSyncNode node) => new Client(this, node.Number);

    private async Task<T> CallAsync<T>(int node, Func<T> act)
    {
        await PauseAsync(node);
        var result = act();
        await PauseAsync(node);
        return result;
    }

    private async Task PauseAsync(int node)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(30) * random.NextDouble(), machine.Time);
        if (!IsDown && !CutFrom.Contains(node))
            return;
        await Task.Delay(SyncSettings.Topology.TimeMax * random.NextDouble(), machine.Time);
        throw new TopologyUnavailableException("The simulated store does not answer.", new IOException("cut"));
    }

    private sealed class Client(SimulatedTopologyStore store, int node) : ITopologyStore
    {
        public string Kind => "simulated";

        public async Task<Topology?> ReadAsync(CancellationToken cancellationToken) =>
            await store.CallAsync(node, () => store.Current);

        public async Task<bool> TryReplaceAsync(Topology next, CancellationToken cancellationToken)
        {
            await store.Replacing();
            return await store.CallAsync(node, () =>
            {
                if (store.Current.Epoch + 1 != next.Epoch)
                    return false;
                var before = store.Current;
                store.Current = next;
                store.Changed?.Invoke(before, next);
                return true;
            });
        }
    }
}
