namespace Lepton.Cost.Prices;

/// <summary>What is metered. Quantities are whole numbers of the smallest unit; prices are per the larger
/// one.</summary>
internal enum Meter
{
    /// <summary>A node's time, by region, tier and type: milliseconds; priced per hour.</summary>
    NodeTime,

    /// <summary>A GPU's time, by region and type: milliseconds; priced per hour. 0 where a node's price has
    /// it.</summary>
    GpuTime,

    /// <summary>Items inferred, by region; priced per million.</summary>
    Items,

    /// <summary>Requests served, by region; priced per million.</summary>
    Requests,

    /// <summary>Bytes sent, by pair of regions or to the <c>internet</c>; priced per gigabyte, 10^9.</summary>
    Egress,

    /// <summary>Megabyte-hours kept, by region and type; priced per gigabyte and month of 730 hours.</summary>
    Storage,
}

/// <summary>How a meter is read and written.</summary>
/// <param name="Name">In a price book and in contracts.</param>
/// <param name="Per">A price is for so many of the smallest unit.</param>
/// <param name="Unit">The priced unit, as FOCUS writes units.</param>
/// <param name="Consumed">The unit in which consumption is told, likewise.</param>
/// <param name="ConsumedPer">So many of the smallest unit are one of that.</param>
/// <param name="Attributes">What tells one price of it from another, beside the region.</param>
/// <param name="Models">Pricing models that it may have.</param>
internal sealed record MeterRules(
    string Name, long Per, string Unit, string Consumed, long ConsumedPer, string[] Attributes, PricingModel[] Models)
{
    private static readonly PricingModel[] OnDemandOnly = [PricingModel.OnDemand];
    private static readonly PricingModel[] EveryModel = Enum.GetValues<PricingModel>();

    private static readonly MeterRules[] ByMeter =
    [
        new("nodeTime", 3_600_000, "Hours", "Seconds", 1_000, ["tier", "type"], EveryModel),
        new("gpuTime", 3_600_000, "GPU-Hours", "GPU-Seconds", 1_000, ["type"], EveryModel),
        new("items", 1_000_000, "1000000 Items", "Items", 1, [], OnDemandOnly),
        new("requests", 1_000_000, "1000000 Requests", "Requests", 1, [], OnDemandOnly),
        new("egress", 1_000_000_000, "GB", "B", 1, ["toRegion"], OnDemandOnly),
        new("storage", 730_000, "GB-Months", "MB-Hours", 1, ["type"], OnDemandOnly),
    ];

    /// <summary>Every meter's name.</summary>
    public static string[] Names { get; } = [.. ByMeter.Select(m => m.Name)];

    /// <summary>A meter's.</summary>
    public static MeterRules Of(Meter meter) => ByMeter[(int)meter];
}

/// <summary>By which bargain a price is paid.</summary>
internal enum PricingModel
{
    /// <summary>The list price.</summary>
    OnDemand,

    /// <summary>For a promise of a year.</summary>
    ReservedOneYear,

    /// <summary>For a promise of three years.</summary>
    ReservedThreeYears,

    /// <summary>What the market asks; the node may be taken away (E3).</summary>
    Spot,
}
