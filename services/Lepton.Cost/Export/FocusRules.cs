namespace Lepton.Cost.Export;

/// <summary>A rule of FOCUS that one row can break.</summary>
/// <param name="Column">The column that it is about; a data set without it cannot break it.</param>
/// <param name="Says">What must be.</param>
/// <param name="Holds">Does it?</param>
internal sealed record FocusRule(string Column, string Says, Func<FocusRow, bool> Holds);

/// <summary>
/// What FOCUS 1.2 says a row MUST be, beyond presence, type, nullability and format of single columns, which
/// <c>focus.csv</c> has; as far as a machine can tell from the row. Source: the specification's columns and attributes,
/// v1.2.
/// </summary>
internal static class FocusRules
{
    /// <summary>Half a millionth either way, on both sides of a product: costs are whole millionths.</summary>
    private const decimal Tolerance = 0.000001m;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FocusRule> All { get; } =
    [
        NullWith("BillingAccountType", "BillingAccountId"), GivenWith("BillingAccountType", "BillingAccountId"),
        new("BillingPeriodEnd", "is after BillingPeriodStart: it is exclusive", r => Ordered(r, "BillingPeriod")),
        new("ChargePeriodEnd", "is after ChargePeriodStart: it is exclusive", r => Ordered(r, "ChargePeriod")),
        NullWith("CapacityReservationStatus", "CapacityReservationId"),
        new("CapacityReservationStatus", "is given with CapacityReservationId when ChargeCategory is Usage",
            r => r["CapacityReservationId"] is null || !r.IsUsage || Given(r, "CapacityReservationStatus")),
        new("CapacityReservationId", "is given when CapacityReservationStatus is Unused",
            r => r["CapacityReservationStatus"] != "Unused" || Given(r, "CapacityReservationId")),
        new("ChargeFrequency", "is not Usage-Based when ChargeCategory is Purchase",
            r => r["ChargeCategory"] != "Purchase" || r["ChargeFrequency"] != "Usage-Based"),

        NullWith("CommitmentDiscountCategory", "CommitmentDiscountId"),
        GivenWith("CommitmentDiscountCategory", "CommitmentDiscountId"),
        NullWith("CommitmentDiscountName", "CommitmentDiscountId"),
        NullWith("CommitmentDiscountType", "CommitmentDiscountId"),
        GivenWith("CommitmentDiscountType", "CommitmentDiscountId"),
        NullWith("CommitmentDiscountStatus", "CommitmentDiscountId"),
        new("CommitmentDiscountStatus", "is given with CommitmentDiscountId when ChargeCategory is Usage",
            r => r["CommitmentDiscountId"] is null || !r.IsUsage || Given(r, "CommitmentDiscountStatus")),
        new("CommitmentDiscountQuantity", "is given with CommitmentDiscountId for Usage and Purchase",
            r => r["CommitmentDiscountId"] is null || !r.IsPriced || Given(r, "CommitmentDiscountQuantity")),
        new("CommitmentDiscountQuantity", "is null without CommitmentDiscountId, and for other than Usage and Purchase",
            r => (r["CommitmentDiscountId"] is not null && r["ChargeCategory"] is "Usage" or "Purchase")
                || !Given(r, "CommitmentDiscountQuantity")),
        NullWith("CommitmentDiscountUnit", "CommitmentDiscountQuantity"),
        GivenWith("CommitmentDiscountUnit", "CommitmentDiscountQuantity"),
        new("ResourceId", "is CommitmentDiscountId when CommitmentDiscountStatus is Unused",
            r => r["CommitmentDiscountStatus"] != "Unused" || r["ResourceId"] == r["CommitmentDiscountId"]),
        new("ResourceId", "is CommitmentDiscountId when that is purchased",
            r => r["ChargeCategory"] != "Purchase" || r["CommitmentDiscountId"] is not { } id || r["ResourceId"] == id),
        new("ChargeCategory", "is Usage when CommitmentDiscountStatus is Unused",
            r => r["CommitmentDiscountStatus"] != "Unused" || r.IsUsage),

        new("ConsumedQuantity", "is null but for Usage, and where CommitmentDiscountStatus is Unused",
            r => (r.IsUsage && r["CommitmentDiscountStatus"] != "Unused") || !Given(r, "ConsumedQuantity")),
        new("ConsumedQuantity", "is given for Usage that is no correction",
            r => !r.IsUsage || r.IsCorrection || r["CommitmentDiscountStatus"] == "Unused"
                || Given(r, "ConsumedQuantity")),
        NullWith("ConsumedUnit", "ConsumedQuantity"), GivenWith("ConsumedUnit", "ConsumedQuantity"),

        .. NotForTax("ContractedUnitPrice"), .. NotForTax("ListUnitPrice"), .. NotForTax("PricingCategory"),
        .. NotForTax("PricingCurrencyContractedUnitPrice"), .. NotForTax("PricingCurrencyListUnitPrice"),
        .. NotForTax("PricingQuantity"), .. NotForTax("SkuId"), .. NotForTax("SkuPriceId"),
        NullWith("PricingUnit", "PricingQuantity"), GivenWith("PricingUnit", "PricingQuantity"),
        new("PricingCategory", "is Committed for usage with a commitment discount",
            r => r["CommitmentDiscountId"] is null || !r.IsUsage || r["PricingCategory"] is null or "Committed"),
        new("PricingCategory", "is not Committed for the purchase of a commitment discount",
            r => r["ChargeCategory"] != "Purchase" || r["PricingCategory"] != "Committed"),

        Product("ContractedCost", "ContractedUnitPrice"), Product("ListCost", "ListUnitPrice"),
        LikeBilled("ContractedCost", "ContractedUnitPrice"), LikeBilled("ListCost", "ListUnitPrice"),
        new("EffectiveCost", "is BilledCost for a Credit", r => r["ChargeCategory"] != "Credit"
            || r.Number("EffectiveCost") == r.Number("BilledCost")),
        new("EffectiveCost", "is 0 for the purchase of a commitment discount",
            r => r["ChargeCategory"] != "Purchase" || r["CommitmentDiscountId"] is null
                || r.Number("EffectiveCost") == 0),
        new("BilledCost", "is 0 for usage that a commitment covers",
            r => !r.IsUsage || r["CommitmentDiscountStatus"] is null || r.Number("BilledCost") == 0),

        NullWith("RegionName", "RegionId"), GivenWith("RegionName", "RegionId"),
        NullWith("ResourceName", "ResourceId"), NullWith("ResourceType", "ResourceId"),
        GivenWith("ResourceType", "ResourceId"),
        new("ServiceSubcategory", "belongs to ServiceCategory", r => r["ServiceSubcategory"] is not { } sub
            || FocusColumn.ParentOf(sub) == r["ServiceCategory"]),
        NullWith("SkuMeter", "SkuId"), NullWith("SkuPriceDetails", "SkuPriceId"),
        NullWith("SubAccountName", "SubAccountId"), GivenWith("SubAccountName", "SubAccountId"),
        NullWith("SubAccountType", "SubAccountId"), GivenWith("SubAccountType", "SubAccountId"),
    ];

    private static bool Given(FocusRow row, string column) => row[column] is not null;

    private static FocusRule NullWith(string column, string other) =>
        new(column, $"is null when {other} is null", r => Given(r, other) || !Given(r, column));

    private static FocusRule GivenWith(string column, string other) =>
        new(column, $"is given when {other} is given", r => !Given(r, other) || Given(r, column));

    private static FocusRule[] NotForTax(string column) =>
    [
        new(column, "is null when ChargeCategory is Tax", r => !r.IsTax || !Given(r, column)),
        new(column, "is given for Usage and Purchase that are no corrections",
            r => !r.IsPriced || Given(r, column)),
    ];

    private static FocusRule Product(string cost, string price) => new(cost, $"is {price} times PricingQuantity", r =>
        r.IsCorrection || r.Number(price) is not { } unit || r.Number("PricingQuantity") is not { } quantity
            || r.Number(cost) is not { } total || Math.Abs((unit * quantity) - total) <= Tolerance);

    private static FocusRule LikeBilled(string cost, string price) => new(cost, $"is BilledCost for a Credit without "
        + price, r => r["ChargeCategory"] != "Credit" || Given(r, price) || r.Number(cost) == r.Number("BilledCost"));

    private static bool Ordered(FocusRow row, string period) => row.Time($"{period}Start") is not { } start
        || row.Time($"{period}End") is not { } end || start < end;
}
