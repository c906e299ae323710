using System.Globalization;
using System.Text.Json;
using Lepton.Cost.Money;
using Lepton.Cost.Prices;

namespace Lepton.Cost.Export;

/// <summary>
/// Writes charges in the FinOps FOCUS format, as CSV (B3). Rows' costs are rounded to millionths so that they add up to
/// the bill. A reservation is a commitment: its usage is billed 0 and has its effective cost; one recurring
/// purchase for
/// each is billed and has none.
/// </summary>
internal sealed class FocusWriter(FocusBill bill, Currency currency, FocusVersion version = FocusVersion.V12)
{
    /// <summary>Rows of one file.</summary>
    public const int RowsMax = 1_000_000;

    private static readonly string[] Left =
    [
        // Features that Lepton's bills have not; they may be left out.
        "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus", "SubAccountType",
        "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
        "PricingCurrencyListUnitPrice", "SkuPriceDetails",
    ];

    /// <summary>The columns written.</summary>
    public IReadOnlyList<string> Columns { get; } =
        [.. FocusColumn.Of(version).Select(c => c.Name).Where(c => !Left.Contains(c))];

    /// <summary>Writes all.</summary>
    /// <returns>The sum of BilledCost: the bill.</returns>
    public Amount Write(TextWriter writer, IReadOnlyList<FocusCharge> charges)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(charges.Count, RowsMax);
        Csv.Write(writer, Columns);
        var costs = LargestRemainder.Round([.. charges.Select(c => c.Charge.Cost)], currency);
        Dictionary<string, (FocusCharge First, Int128 Micros, Int128 Units)> commitments = [];
        Int128 billed = 0;
        for (var i = 0; i < charges.Count; i++)
        {
            var row = Row(charges[i], costs[i]);
            if (row.GetValueOrDefault("CommitmentDiscountId") is { } id)
            {
                var sum = commitments.GetValueOrDefault(id, (charges[i], 0, 0));
                commitments[id] = (sum.Item1, sum.Item2 + costs[i].Micros,
                    sum.Item3 + charges[i].Charge.Quantity.Units);
            }
            else
            {
                billed += costs[i].Micros;
            }
            Write(writer, row);
        }
        foreach (var (id, (first, micros, units)) in commitments.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            billed += micros;
            Write(writer, Purchase(id, first, Amount.FromMicros(micros, currency), checked((long)units)));
        }
        return Amount.FromMicros(billed, currency);
    }

    private void Write(TextWriter writer, Dictionary<string, string?> row) =>
        Csv.Write(writer, Columns.Select(column => row.GetValueOrDefault(column)));

    private Dictionary<string, string?> Row(FocusCharge one, Amount cost)
    {
        var (charge, key) = (one.Charge, one.Charge.Quantity.Key);
        var rules = MeterRules.Of(key.Meter);
        var isReserved = charge.Model is PricingModel.ReservedOneYear or PricingModel.ReservedThreeYears;
        // Negotiated or market prices, without what a commitment takes off.
        var (contracted, contractedPrice) =
            isReserved ? (charge.ListCost.Round(), charge.List) : (cost, charge.Price);
        var row = Common(one, key);
        row["BilledCost"] = isReserved ? "0" : cost.ToDecimal();
        row["EffectiveCost"] = cost.ToDecimal();
        row["ContractedCost"] = contracted.ToDecimal();
        row["ContractedUnitPrice"] = new Amount(contractedPrice.Micros, currency).ToDecimal();
        row["ListCost"] = charge.ListCost.Round().ToDecimal();
        row["ListUnitPrice"] = new Amount(charge.List.Micros, currency).ToDecimal();
        row["ChargeCategory"] = "Usage";
        row["ChargeClass"] = one.IsCorrection ? "Correction" : null;
        row["ChargeFrequency"] = "Usage-Based";
        row["ChargeDescription"] = $"{rules.Name} {key.Region}{(key.ToRegion.Length > 0 ? " to " + key.ToRegion : "")}";
        if (!one.IsUnused)
        {
            row["ConsumedQuantity"] = Ratio(charge.Quantity.Units, rules.ConsumedPer);
            row["ConsumedUnit"] = rules.Consumed;
        }
        row["PricingCategory"] = isReserved ? "Committed" : charge.Model == PricingModel.Spot ? "Dynamic" : "Standard";
        row["PricingQuantity"] = Ratio(charge.Quantity.Units, rules.Per);
        row["PricingUnit"] = rules.Unit;
        row["SkuPriceId"] = $"{key.Sku}:{charge.Model}";
        if (isReserved)
            Commit(row, $"{charge.Model}:{key.Sku}", charge.Quantity.Units, rules, one.IsUnused ? "Unused" : "Used");
        return row;
    }

    private Dictionary<string, string?> Purchase(string id, FocusCharge first, Amount cost, long units)
    {
        var key = first.Charge.Quantity.Key;
        var rules = MeterRules.Of(key.Meter);
        var row = Common(first with { Node = id, Start = bill.Period.Start, End = bill.Period.End }, key);
        foreach (var personal in (string[])["SubAccountId", "SubAccountName", "Tags", "AvailabilityZone"])
            row[personal] = null;
        row["BilledCost"] = row["ContractedCost"] = row["ListCost"] = cost.ToDecimal();
        row["EffectiveCost"] = "0";
        // What it costs for one period: the period is what is priced.
        row["ContractedUnitPrice"] = row["ListUnitPrice"] = cost.ToDecimal();
        row["PricingQuantity"] = "1";
        row["PricingUnit"] = "Months";
        row["PricingCategory"] = "Standard";
        row["ChargeCategory"] = "Purchase";
        row["ChargeFrequency"] = "Recurring";
        row["ChargeDescription"] = $"Reservation of {rules.Name} {key.Region}";
        row["SkuId"] = $"reservation/{key.Sku}";
        row["SkuMeter"] = "reservation";
        row["SkuPriceId"] = $"reservation/{key.Sku}:{first.Charge.Model}";
        row["ResourceType"] = "Reservation";
        Commit(row, id, units, rules, null);
        return row;
    }

    private static void Commit(
        Dictionary<string, string?> row, string id, long units, MeterRules rules, string? status)
    {
        row["CommitmentDiscountCategory"] = "Usage";
        row["CommitmentDiscountId"] = row["CommitmentDiscountName"] = id;
        row["CommitmentDiscountQuantity"] = Ratio(units, rules.Per);
        row["CommitmentDiscountStatus"] = status;
        row["CommitmentDiscountType"] = "Reservation";
        row["CommitmentDiscountUnit"] = rules.Unit;
        if (status == "Unused")
            row["ResourceId"] = id;
    }

    private Dictionary<string, string?> Common(FocusCharge one, PriceKey key)
    {
        var (category, subcategory, name) = Service(key.Meter);
        var node = one.Node.Length > 0 ? one.Node : null;
        return new Dictionary<string, string?>
        {
            ["AvailabilityZone"] = one.Tags.Zone.Length > 0 ? one.Tags.Zone : null,
            ["BillingAccountId"] = bill.AccountId,
            ["BillingAccountName"] = bill.AccountName,
            ["BillingCurrency"] = currency.Code,
            ["BillingPeriodStart"] = Time(bill.Period.Start),
            ["BillingPeriodEnd"] = Time(bill.Period.End),
            ["ChargePeriodStart"] = Time(one.Start),
            ["ChargePeriodEnd"] = Time(one.End),
            ["InvoiceId"] = bill.InvoiceId,
            ["InvoiceIssuerName"] = bill.InvoiceIssuer,
            ["ProviderName"] = bill.Provider,
            ["PublisherName"] = bill.Provider,
            ["RegionId"] = key.Region,
            ["RegionName"] = key.Region,
            ["ResourceId"] = node,
            ["ResourceType"] = node is null ? null : "Node",
            ["ServiceCategory"] = category,
            ["ServiceSubcategory"] = subcategory,
            ["ServiceName"] = name,
            ["SkuId"] = key.Sku,
            ["SkuMeter"] = MeterRules.Of(key.Meter).Name,
            ["SubAccountId"] = one.Tags.Tenant,
            ["SubAccountName"] = one.Tags.Tenant,
            ["Tags"] = Tags(one),
        };
    }

    private static (string Category, string Subcategory, string Name) Service(Meter meter) => meter switch
    {
        Meter.Egress => ("Networking", "Network Connectivity", "Lepton Network"),
        Meter.Storage => ("Storage", "Object Storage", "Lepton Storage"),
        _ => ("AI and Machine Learning", "Machine Learning", "Lepton Inference"),
    };

    // The user's tags without prefix, ours with one that users cannot have: their keys hold no slash.
    private static string Tags(FocusCharge one)
    {
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        foreach (var (key, value) in one.Tags.User)
            tags[key] = value;
        foreach (var name in (string[])["model", "task", "environment"])
            if (one.Tags[name] is { Length: > 0 } value)
                tags[$"lepton/{name}"] = value;
        return JsonSerializer.Serialize(tags);
    }

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>A ratio in decimals, rounded half to even at the twelfth.</summary>
    private static string Ratio(long numerator, long denominator) =>
        Fixed.Write(Rounding.HalfEven((Int128)numerator * 1_000_000_000_000, denominator), 12);
}
