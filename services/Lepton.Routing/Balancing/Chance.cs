namespace Lepton.Routing.Balancing;

/// <summary>
/// A stream of random numbers for one request: SplitMix64 (Steele, Lea, Flood 2014), eight bytes, no heap. The same
/// seed gives the same draws, so a decision can be made again.
/// </summary>
internal struct Chance(ulong seed)
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;
    private ulong _state = seed;

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double Next() => (Mix(_state += Gamma) >> 11) * (1.0 / (1UL << 53));

    internal static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    internal static ulong Step(ulong state, ulong steps) => state + (Gamma * steps);
}
