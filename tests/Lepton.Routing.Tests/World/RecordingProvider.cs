using System.Collections.Concurrent;
using Lepton.Routing.Scaling.Providers;
using Lepton.Routing.V1;

namespace Lepton.Routing.Tests.World;

/// <summary>Writes down what it is told, and has the test do it.</summary>
internal sealed class RecordingProvider : ICapacityProvider
{
    public string Name => "aspire"; // in its place

    public ConcurrentQueue<int> Grown { get; } = [];

    public ConcurrentQueue<string> Stopped { get; } = [];

    /// <summary>Starts nodes; told how many there shall be, says how many it started.</summary>
    public Func<int, Task<int>> Grow { get; set; } = _ => Task.FromResult(0);

    /// <summary>Before a node is stopped.</summary>
    public Action<string> Stopping { get; set; } = _ => { };

    public Func<string, bool> Ours { get; set; } = _ => true;

    public async Task<int> GrowAsync(Tier tier, int nodes, IReadOnlyCollection<string> running,
        IReadOnlyCollection<string> leaving, CancellationToken cancellation)
    {
        Grown.Enqueue(nodes);
        return await Grow(nodes);
    }

    public Task<bool> StopAsync(Tier tier, string node, int nodesLeft, CancellationToken cancellation)
    {
        Stopping(node);
        Stopped.Enqueue(node);
        return Task.FromResult(true);
    }

    public bool MayStop(Tier tier, string node) => Ours(node);
}
