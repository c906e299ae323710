namespace Lepton.Routing.Scaling.Sizing;

/// <summary>Observed use of one resource, 0 to 1 of what the node has.</summary>
internal readonly record struct Percentiles(double P50, double P95, double P99);

/// <summary>What size a node should be (E2).</summary>
/// <param name="Memory">Null: its limit is not known.</param>
/// <param name="Gpu">Null: it has none.</param>
/// <param name="Looks">Reports that this rests on.</param>
/// <param name="Size">Of the size that it has: 0.25, 0.5, 1, 2 or 4; 1 while there are too few reports.</param>
/// <param name="Why">What decided, for people.</param>
/// <param name="SavedUsdMicrosPerHour">What that saves in an hour in millionths of a US dollar, negative: costs; null:
/// prices are not known here.</param>
internal sealed record SizeAdvice(string Node, Percentiles Cpu, Percentiles? Gpu, Percentiles? Memory, int Looks,
    double Size, string Why, long? SavedUsdMicrosPerHour);

/// <summary>What nodes cost, for who knows prices.</summary>
internal interface ISizePrices
{
    /// <summary>An hour of a node of so many times its present size, in millionths of a US dollar; null: not
    /// known.</summary>
    long? HourUsdMicros(string node, double size);
}

/// <summary>Nobody knows prices here.</summary>
internal sealed class NoPrices : ISizePrices
{
    public long? HourUsdMicros(string node, double size) => null;
}
