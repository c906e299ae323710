using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling.Signals;

/// <summary>One node of a pool, as its report and its router have it now.</summary>
/// <param name="State">The router's view.</param>
/// <param name="Cpu">0 to 1 of the processors that it may use.</param>
/// <param name="Gpu">0 to 1, the busiest one's; null: it has none.</param>
/// <param name="Memory">0 to 1 of what it may use; null: no limit is known.</param>
/// <param name="Busy">Requests that run or wait there, all routers'.</param>
internal readonly record struct NodeSignal(
    string Node, NodeState State, double Cpu, double? Gpu, double? Memory, int Busy)
{
    public bool Serves => State is NodeState.Serving or NodeState.Suspect;
}

/// <summary>One model on the serving nodes of a pool, all versions together.</summary>
/// <param name="Nodes">That have it ready.</param>
/// <param name="Slots">Executions that they can run at once.</param>
/// <param name="InFlight">Executions that run.</param>
/// <param name="Queued">Requests that wait at the nodes.</param>
/// <param name="RequestRate">Requests per second, mean of the last 10 s.</param>
/// <param name="ServiceSeconds">Mean time of an execution; 0: none yet.</param>
/// <param name="LatencySeconds">
/// The router's percentile (<c>Routing:Hedging:Percentile</c>) of answers lately; 0: too few.
/// </param>
internal readonly record struct ModelSignal(
    string Model, int Nodes, int Slots, int InFlight, int Queued, double RequestRate, double ServiceSeconds,
    double LatencySeconds = 0);

/// <summary>What a router knows of the nodes of one tier of its region at one moment (E1).</summary>
internal sealed record PoolSignals(Tier Tier, IReadOnlyList<NodeSignal> Nodes, IReadOnlyList<ModelSignal> Models)
{
    /// <summary>Nodes that serve or will: those that go are not counted.</summary>
    public int Current => Nodes.Count(n => n.Serves || n.State == NodeState.Starting);

    public int Serving => Nodes.Count(n => n.Serves);
}
