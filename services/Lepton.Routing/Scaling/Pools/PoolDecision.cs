using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling.Pools;

/// <summary>What one model makes of a pool.</summary>
/// <param name="Now">Smoothed and present signals.</param>
/// <param name="Load">Executions under way on average.</param>
/// <param name="Slo">Promised 99th percentile; null: batch, none is promised.</param>
/// <param name="P99Seconds">Predicted with the nodes that serve or start; infinite: more comes than goes.</param>
/// <param name="QueueWaitSeconds">Until what waits has begun, with those nodes.</param>
/// <param name="Needs">Nodes that keep the ordinary aim, not rounded by tolerance.</param>
/// <param name="NeedsNow">Nodes that keep the promise, without which it is urgent; 0: batch.</param>
internal sealed record ModelNeed(
    ModelSignal Now, double Load, TimeSpan? Slo, double P99Seconds, double QueueWaitSeconds, int Needs, int NeedsNow);

/// <summary>How many nodes a pool shall have.</summary>
/// <param name="Current">Nodes that serve or start.</param>
/// <param name="Desired">Within the pool's bounds.</param>
/// <param name="Urgent">
/// The SLO rule asks for it: a real-time model's predicted p99 is over its promise, or its queue over the bound.
/// </param>
/// <param name="Why">For people.</param>
internal sealed record PoolDecision(
    Tier Tier, int Current, int Desired, bool Urgent, string Why, IReadOnlyList<ModelNeed> Models)
{
    public static PoolDecision Unknown(Tier tier) => new(tier, 0, 0, false, "nothing was decided yet", []);
}
