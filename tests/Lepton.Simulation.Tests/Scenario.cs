namespace Lepton.Simulation.Tests;

/// <summary>A load on a set of nodes. Times in seconds.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Seconds">How long requests arrive.</param>
/// <param name="RequestsPerSecond">Rate outside bursts, all routers together.</param>
/// <param name="BurstFactor">The rate during a burst, as a multiple.</param>
/// <param name="BurstEvery">From one burst's start to the next one's.</param>
/// <param name="BurstSeconds">A burst's length.</param>
internal sealed record Scenario(
    string Name, double Seconds, double RequestsPerSecond, double BurstFactor, double BurstEvery, double BurstSeconds)
{
    public int Nodes { get; init; } = 12;

    /// <summary>Routers that share the nodes and know only their own requests.</summary>
    public int Routers { get; init; } = 4;

    /// <summary>Age of what a router knows by heartbeat.</summary>
    public double HeartbeatEvery { get; init; } = 1;

    /// <summary>One node that turns this many times slower a third of the way in; 1: none does.</summary>
    public double GreyNodeFactor { get; init; } = 1;

    public double RateAt(double time) =>
        RequestsPerSecond * (time % BurstEvery < BurstSeconds && BurstFactor > 1 ? BurstFactor : 1);

    public static Scenario Calm { get; } = new("calm", 12, 250, 1, 10, 0);

    public static Scenario HardBurst { get; } = new("hard burst", 12, 250, 3.2, 5, 1);

    public static Scenario GreyNode { get; } = new("grey node", 12, 250, 1.5, 5, 1) { GreyNodeFactor = 8 };
}
