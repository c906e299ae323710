using FsCheck;
using FsCheck.Fluent;
using Lepton.Cost.Allocation;
using Lepton.Cost.Money;
using Lepton.Cost.Prices;
using Lepton.Cost.Tests.Prices;
using Lepton.Cost.Usage;

namespace Lepton.Cost.Tests.Allocation;

/// <summary>Direct, idle and shared parts add up to the bill, always (B3, B5).</summary>
public sealed class AllocatorTests
{
    private static readonly string[] Tenants = ["ada", "bob", "cyd", "dee"];

    private static Amount Usd(string text) => Amount.Parse(text, Currency.Usd);

    private static Gen<Dictionary<string, long>> Weights(int max) =>
        Gen.ArrayOf(Gen.Choose(0, max), Tenants.Length).Select(w => Tenants.Zip(w)
            .Where(p => p.Second % 3 != 0).ToDictionary(p => p.First, p => (long)p.Second));

    private static Arbitrary<CostPool[]> Bills()
    {
        var rule = Gen.OneOf(
            Gen.Constant<SharingRule>(new SharingRule.Kept()), Gen.Constant<SharingRule>(new SharingRule.Even()),
            Gen.Constant<SharingRule>(new SharingRule.Proportional()),
            Weights(7).Select(w => (SharingRule)new SharingRule.Fixed(w)),
            Weights(100_000).Select(w => (SharingRule)new SharingRule.ByUsage(w)));
        var pool = from micros in Gen.OneOf(Gen.Choose(-1_000, 1_000), Gen.Choose(int.MinValue + 1, int.MaxValue))
                   from capacity in Gen.OneOf(Gen.Constant(0), Gen.Choose(1, 1_000_000))
                   from uses in Weights(500_000)
                   from rest in rule
                   from number in Gen.Choose(0, 99)
                   select new CostPool($"pool-{number}", new Amount(micros, Currency.Usd), capacity, uses, rest);
        return Gen.ArrayOf(pool).ToArbitrary();
    }

    [Fact]
    public void Allocate_AnyBill_AddsUpToTheMillionth() => Prop.ForAll(Bills(), bill =>
    {
        var shares = Allocator.Allocate(bill, Tenants);
        return Amount.Sum(shares.Select(s => s.Cost), Currency.Usd)
                == Amount.Sum(bill.Select(p => p.Cost), Currency.Usd)
            && bill.GroupBy(p => p.Name).All(lines => Amount.Sum(lines.Select(p => p.Cost), Currency.Usd)
                == Amount.Sum(shares.Where(s => s.Pool == lines.Key).Select(s => s.Cost), Currency.Usd))
            && shares.All(s => s.Kind != ShareKind.Direct || s.Consumer.Length > 0);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));

    [Fact]
    public void Allocate_WorkedExample_IsAsByHand()
    {
        CostPool node = new("node", Usd("10"), 100, new Dictionary<string, long> { ["ada"] = 30, ["bob"] = 20 },
            new SharingRule.Proportional());
        CostPool routers = new("routers", Usd("1"), 0, new Dictionary<string, long>(), new SharingRule.Even());
        CostPool support = new("support", Usd("4"), 0, new Dictionary<string, long>(),
            new SharingRule.Fixed(new Dictionary<string, long> { ["bob"] = 3, ["cyd"] = 1 }));

        var shares = Allocator.Allocate([node, routers, support], ["ada", "bob", "cyd"]);

        Assert.Equal(
        [
            "node ada Direct 3", "node bob Direct 2", "node ada Idle 3", "node bob Idle 2",
            "routers ada Shared 0.333334", "routers bob Shared 0.333333", "routers cyd Shared 0.333333",
            "support bob Shared 3", "support cyd Shared 1",
        ], shares.Select(s => $"{s.Pool} {s.Consumer} {s.Kind} {s.Cost.ToDecimal()}"));
        Assert.Equal("7.333333", UnitCost.PerConsumer(shares)["bob"].ToDecimal());
    }

    [Fact]
    public void Allocate_NobodyToShare_IsSeenAsNobodys()
    {
        CostPool kept = new("idle", Usd("5"), 10, new Dictionary<string, long>(), new SharingRule.Kept());
        CostPool lonely = new("shared", Usd("2"), 0, new Dictionary<string, long>(), new SharingRule.Proportional());

        Assert.Equal([("idle", "", ShareKind.Idle), ("shared", "", ShareKind.Shared)],
            Allocator.Allocate([kept, lonely], ["ada"]).Select(s => (s.Pool, s.Consumer, s.Kind)));
    }

    [Fact]
    public void Allocate_UsedBeyondCapacity_HasNoIdle()
    {
        CostPool node = new("node", Usd("9"), 10, new Dictionary<string, long> { ["ada"] = 20, ["bob"] = 10 },
            new SharingRule.Even());

        Assert.Equal(["6", "3"], Allocator.Allocate([node], Tenants).Select(s => s.Cost.ToDecimal()));
    }

    [Fact]
    public void UnitCost_Figures_AreAsByHand()
    {
        Assert.Equal("0.25", UnitCost.PerThousand(Usd("2"), 8_000)?.ToDecimal());
        Assert.Null(UnitCost.PerThousand(Usd("2"), 0));
        Assert.Equal("4", UnitCost.PerGpuHour(Usd("2"), 1_800_000)?.ToDecimal());
    }

    /// <summary>What spot saved against on demand (E3).</summary>
    [Fact]
    public void Savings_SpotHours_AreAgainstTheListPriceOfTheTime()
    {
        Rater rater = new(Books.Example());
        Quantity hour = new(new PriceKey(Meter.NodeTime, "us-east", Tier: "core", Type: "gpu-l4"), 3_600_000);

        var savings = Savings.Of(new[] { 1, 8 }.Select(month =>
            rater.Rate(hour, PricingModel.Spot, Books.Day(month, 2))!), Currency.Usd);

        // 0.84 - 0.24 in January, 0.80 - 0.192 in August.
        Assert.Equal(("1.208", 7_366L), (savings.Saved.ToDecimal(), savings.BasisPoints));
    }
}
