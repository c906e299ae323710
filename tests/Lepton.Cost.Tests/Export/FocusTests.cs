using Lepton.Cost.Allocation;
using Lepton.Cost.Budgets;
using Lepton.Cost.Export;
using Lepton.Cost.Money;
using Lepton.Cost.Prices;
using Lepton.Cost.Tests.Prices;
using Lepton.Cost.Usage;

namespace Lepton.Cost.Tests.Export;

/// <summary>The FOCUS export and the checker of its rules (B3).</summary>
public sealed class FocusTests
{
    private static readonly FocusBill Bill =
        new("org-1", "Organisation", "Lepton", "Lepton", "2026-11", new BudgetPeriod(2026, 11));

    private static readonly UsageTags Tags = new("us-east", "a", "demo", "ocr", "realtime", "production",
        new Dictionary<string, string> { ["team"] = "vision, \"ocr\"" });

    private static List<FocusCharge> Charges(int seed)
    {
        Rater rater = new(Books.Example());
        Random random = new(seed);
        var keys = Books.Example().Series.Select(s => s.What).OrderBy(w => w.Key.Sku, StringComparer.Ordinal)
            .ThenBy(w => w.Model).ToArray();
        return [.. Enumerable.Range(0, 400).Select(i =>
        {
            var (key, model) = keys[random.Next(keys.Length)];
            var start = Books.Day(11, 1).AddHours(i % 700);
            var charge = rater.Rate(new Quantity(key, random.NextInt64(1, 5_000_000_000)), model, start)!;
            var isReserved = model is PricingModel.ReservedOneYear or PricingModel.ReservedThreeYears;
            return new FocusCharge(charge, start, start.AddHours(1), Tags, key.Tier.Length > 0 ? "node-1" : "",
                IsUnused: isReserved && i % 3 == 0);
        })];
    }

    private static (string Csv, Amount Billed) Export(FocusVersion version, int seed = 5)
    {
        using StringWriter writer = new();
        var billed = new FocusWriter(Bill, Currency.Usd, version).Write(writer, Charges(seed));
        return (writer.ToString(), billed);
    }

    private static IReadOnlyList<FocusFault> Check(string csv, FocusVersion version, Amount? billed = null) =>
        FocusChecker.Check(new StringReader(csv), version, billed is { } sum
            ? new Dictionary<string, decimal> { ["2026-11"] = sum.Micros / 1_000_000m } : null);

    [Theory]
    [InlineData(FocusVersion.V12, 5)]
    [InlineData(FocusVersion.V12, 6)]
    [InlineData(FocusVersion.V14, 5)]
    internal void Write_Charges_BreakNoRule(FocusVersion version, int seed)
    {
        var (csv, billed) = Export(version, seed);

        Assert.Empty(Check(csv, version, billed).Take(5));
        Assert.Equal(
            Charges(seed).Aggregate(ExactAmount.Zero(Currency.Usd), (sum, c) => sum + c.Charge.Cost).Round(), billed);
    }

    [Fact]
    public void Columns_Editions_HaveTheMandatoryOnes()
    {
        Assert.Equal((57, 21), (FocusColumn.Of(FocusVersion.V12).Count,
            FocusColumn.Of(FocusVersion.V12).Count(c => c.IsMandatory)));
        string[] dropped = [.. FocusColumn.Of(FocusVersion.V12).Except(FocusColumn.Of(FocusVersion.V14))
            .Select(c => c.Name)];
        Assert.Equal(["ProviderName", "PublisherName"], dropped);
        // A column that an edition has not is refused, one that it needs is missed.
        Assert.Contains(Check(Export(FocusVersion.V12).Csv, FocusVersion.V14), f => f.Column == "ProviderName");
        Assert.Contains(Check(Export(FocusVersion.V14).Csv, FocusVersion.V12), f => f.Column == "PublisherName");
    }

    public static TheoryData<string, string?, string> Breaks => new()
    {
        { "BilledCost", null, "is not null" },
        { "BilledCost", "1,5", "plain number" },
        { "BilledCost", "+1", "plain number" },
        { "BilledCost", "$1", "plain number" },
        { "BilledCost", "1E+3", "plain number" },
        { "BillingCurrency", "Usd", "ISO 4217" },
        { "BillingCurrency", "", "empty text" },
        { "BillingPeriodEnd", "2026-11-01T00:00:00Z", "exclusive" },
        { "ChargePeriodStart", "2026-11-01 00:00:00", "takes a time" },
        { "ChargePeriodStart", "2026-11-01T00:00:00+01:00", "takes a time" },
        { "ChargePeriodEnd", "2026-01-01T00:00:00Z", "exclusive" },
        { "ChargeCategory", "usage", "allowed values" },
        { "ChargeClass", "Refund", "allowed values" },
        { "ChargeFrequency", null, "is not null" },
        { "CommitmentDiscountStatus", "Used", "is null when CommitmentDiscountId" },
        { "CommitmentDiscountId", "c", "is given" },
        { "ConsumedQuantity", null, "is given for Usage" },
        { "ConsumedUnit", null, "is given when ConsumedQuantity" },
        { "ConsumedUnit", "gigabytes", "sizes as abbreviations" },
        { "ConsumedUnit", "Milliseconds", "takes times" },
        { "ConsumedUnit", "1.5 Items", "whole numbers" },
        { "ContractedUnitPrice", null, "is given for Usage" },
        { "ContractedUnitPrice", "-1", "0 or more" },
        { "ListCost", "123456", "times PricingQuantity" },
        { "ListUnitPrice", "123456", "times PricingQuantity" },
        { "PricingCategory", "On-Demand", "allowed values" },
        { "PricingQuantity", null, "is given for Usage" },
        { "PricingUnit", null, "is given when PricingQuantity" },
        { "ProviderName", null, "is not null" },
        { "RegionId", null, "is null when RegionId" },
        { "ResourceType", null, "is given when ResourceId" },
        { "ServiceCategory", "Networking", "belongs to ServiceCategory" },
        { "ServiceSubcategory", "Inference", "allowed values" },
        { "SkuId", null, "is given for Usage" },
        { "SkuPriceId", null, "is given for Usage" },
        { "SubAccountName", null, "is given when SubAccountId" },
        { "Tags", "{\"a\":{}}", "plain values" },
        { "Tags", "{\"a\":1,\"a\":2}", "each key once" },
        { "Tags", "[]", "JSON object" },
    };

    /// <summary>Each rule, by a data set that breaks it in one field.</summary>
    [Theory]
    [MemberData(nameof(Breaks))]
    public void Check_OneFieldBroken_IsFound(string column, string? value, string says)
    {
        var records = Csv.Read(new StringReader(Export(FocusVersion.V12).Csv)).Select(r => r.ToArray()).ToArray();
        int At(string name) => Array.IndexOf(records[0], name);
        var row = Array.FindIndex(records, 1, r => r[At("ResourceId")] == "node-1"
            && r[At("CommitmentDiscountId")] is null && r[At("ListUnitPrice")] != "0");
        records[row][At(column)] = value;

        var faults = Check(Join(records), FocusVersion.V12);

        Assert.Contains(faults, f => f.Row == row && f.Says.Contains(says, StringComparison.Ordinal));
        Assert.All(faults, f => Assert.True(f.Row == row || f.Row == 0 || f.Says.StartsWith("has one", default)));
    }

    [Fact]
    public void Check_WholeDataSet_SumsAndParents()
    {
        var (csv, billed) = Export(FocusVersion.V12);
        Assert.Contains(Check(csv, FocusVersion.V12, billed + new Amount(1, Currency.Usd)),
            f => f.Says.Contains("adds up to the invoice", StringComparison.Ordinal));
        var records = Csv.Read(new StringReader(csv)).Select(r => r.ToArray()).ToArray();
        int At(string name) => Array.IndexOf(records[0], name);
        var purchase = Array.Find(records, r => r[At("ChargeCategory")] == "Purchase")!;
        purchase[At("BilledCost")] = "1";
        records[1][At("SkuId")] = "another";

        var faults = Check(Join(records), FocusVersion.V12);

        Assert.Contains(faults, f => f.Says.EndsWith("adds up to what its purchase was billed", default));
        Assert.Contains(faults, f => f is { Column: "SkuPriceId", Says: "has one SkuId" });
    }

    [Theory]
    [InlineData("", "begins with a heading")]
    [InlineData("\"a", "is CSV")]
    [InlineData("\"a\"b", "is CSV")]
    [InlineData("Own,x_own,x_own", "is there once")]
    [InlineData("Own,x_own", "is a column of FOCUS")]
    [InlineData("BilledCost", "is in every data set")]
    [InlineData("BilledCost\n1,2", "has 1 fields")]
    public void Check_NoDataSet_IsFound(string csv, string says) => Assert.Contains(
        Check(csv, FocusVersion.V12), f => f.Says.Contains(says, StringComparison.Ordinal));

    [Fact]
    public void Csv_AnyFields_ComeBack()
    {
        Random random = new(3);
        const string Letters = "ab,\"\r\n é";
        for (var round = 0; round < 500; round++)
        {
            string?[][] records = [.. Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, 5).Select(_ =>
                random.Next(4) == 0 ? null : new string(random.GetItems<char>(Letters, random.Next(6)))).ToArray())];
            Assert.Equal(records, Csv.Read(new StringReader(Join(records))).Select(r => r.ToArray()));
        }
    }

    [Fact]
    public void Chargeback_Shares_AreRowsThatAddUp()
    {
        CostShare[] shares =
        [
            new("node", "demo", ShareKind.Direct, Amount.Parse("1.5", Currency.Usd)),
            new("node", "", ShareKind.Idle, Amount.Parse("0.5", Currency.Usd)),
            new("node", "=cmd()", ShareKind.Idle, Amount.Parse("0.25", Currency.Usd)),
        ];
        using StringWriter writer = new();

        Chargeback.Write(writer, new BudgetPeriod(2026, 11), shares);

        Assert.Equal("period,consumer,pool,kind,cost,currency\r\n2026-11,(unallocated),node,Idle,0.5,USD\r\n"
            + "2026-11,'=cmd(),node,Idle,0.25,USD\r\n2026-11,demo,node,Direct,1.5,USD\r\n", writer.ToString());
    }

    private static string Join(IEnumerable<string?[]> records)
    {
        using StringWriter writer = new();
        foreach (var record in records)
            Csv.Write(writer, record);
        return writer.ToString();
    }
}
