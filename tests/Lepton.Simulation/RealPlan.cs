namespace Lepton.Simulation;

/// <summary>What <c>bench balance --real</c> does: the section <c>real</c> of scenarios.json.</summary>
/// <param name="StartSeconds">Gentle load on every process before the first turn.</param>
/// <param name="WarmUpSeconds">At the rate outside bursts, before anything counts, in every turn of a strategy.</param>
/// <param name="WindowSeconds">What counts of a turn; it begins with a burst.</param>
/// <param name="Rounds">Turns of every strategy in every run.</param>
/// <param name="Strategies">Who takes turns.</param>
/// <param name="Runs">Scenarios of one and the same world, and how many routers get the requests.</param>
internal sealed record RealPlan(
    double StartSeconds, double WarmUpSeconds, double WindowSeconds, int Rounds, IReadOnlyList<string> Strategies,
    IReadOnlyList<RealRun> Runs);

internal sealed record RealRun(string Scenario, int Routers);
