namespace Lepton.Cost.Prices;

/// <summary>What a price is for. An attribute that the meter has not is empty.</summary>
/// <param name="Meter">What is metered.</param>
/// <param name="Region">Where; of egress: from where.</param>
/// <param name="ToRegion">Of egress: to where, or <c>internet</c>.</param>
/// <param name="Tier">Of node time: <c>core</c> or <c>edge</c>.</param>
/// <param name="Type">Of node and GPU time and storage: the cloud's name of the kind.</param>
internal readonly record struct PriceKey(
    Meter Meter, string Region, string ToRegion = "", string Tier = "", string Type = "")
{
    /// <summary>A name that is the same for ever: <c>nodeTime/us-east/core/gpu-l4</c>.</summary>
    public string Sku => string.Join('/',
        new[] { MeterRules.Of(Meter).Name, Region, ToRegion, Tier, Type }.Where(part => part.Length > 0));

    public override string ToString() => Sku;
}

/// <summary>A price in force.</summary>
/// <param name="Micros">Millionths of the book's currency for <paramref name="Per"/> smallest units; 0 or more.</param>
/// <param name="Per">The meter's.</param>
internal readonly record struct UnitPrice(long Micros, long Per);
