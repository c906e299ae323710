namespace Lepton.Routing.Balancing;

/// <summary>The reference formulas R2 and R3 of the requirements, word for word.</summary>
internal static class Formula
{
    /// <summary>R2: weight = 1 / (latency × (1 + load / 100)).</summary>
    public static double Weight(double latencyMilliseconds, double loadPercent) =>
        1 / (latencyMilliseconds * (1 + (loadPercent / 100)));

    /// <summary>R3: server index = current time in whole seconds mod N.</summary>
    public static int TimeModulo(long unixSeconds, int servers) => (int)(unixSeconds % servers);
}
