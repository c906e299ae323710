using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Cost.Money;
using Lepton.Cost.Prices;
using Lepton.Cost.Tests.Prices;
using Lepton.Cost.Usage;

namespace Lepton.Cost.Tests.Usage;

/// <summary>Usage, each once, and what it costs (B1, B2).</summary>
public sealed class UsageTests
{
    private static readonly PriceKey Gpu = new(Meter.NodeTime, "us-east", Tier: "core", Type: "gpu-l4");

    internal static V1.UsageEvent Wire() => new()
    {
        Id = new V1.UsageId { RequestId = "us-east-1", Attempt = 0, Source = V1.UsageSource.Node },
        UsageTime = Timestamp.FromDateTimeOffset(Books.Day(11, 5)),
        Region = "us-east", Zone = "a", Node = "inference-us-east-a", Tier = "core", NodeType = "gpu-l4",
        GpuType = "l4", NodeMilliseconds = 12_345, GpuMilliseconds = 10_000, Items = 8, Tenant = "demo",
        Model = "ocr", Task = "realtime", Environment = "production", Tags = { ["team"] = "vision" },
    };

    [Fact]
    public void Read_Event_IsWhole()
    {
        var usage = UsageReader.Read(Wire());

        Assert.Equal(new UsageId("us-east-1", 0, UsageSource.Node), usage.Id);
        Assert.Equal([new(Gpu, 12_345), new(new PriceKey(Meter.GpuTime, "us-east", Type: "l4"), 10_000),
            new Quantity(new PriceKey(Meter.Items, "us-east"), 8)], usage.Quantities);
        Assert.Equal(("demo", "vision", null), (usage.Tags["tenant"], usage.Tags["team"], usage.Tags["none"]));
    }

    public static TheoryData<string, Action<V1.UsageEvent>> Faults => new()
    {
        { "id", e => e.Id = null },
        { "id.request_id", e => e.Id.RequestId = "" },
        { "id.request_id", e => e.Id.RequestId = new string('x', 129) },
        { "id.attempt", e => e.Id.Attempt = -1 },
        { "id.source", e => e.Id.Source = 0 },
        { "id.revision", e => e.Id.Revision = 1001 },
        { "usage_time", e => e.UsageTime = null },
        { "region", e => e.Region = "" },
        { "tenant", e => e.Tenant = "" },
        { "tier", e => e.Tier = "middle" },
        { "node_type", e => e.NodeType = "" },
        { "gpu_type", e => e.GpuType = "" },
        { "node_milliseconds", e => e.NodeMilliseconds = -1 },
        { "node_milliseconds", e => e.Id.Reversal = true },
        { "egress[0].to_region", e => e.Egress.Add(new V1.EgressUsage { FromRegion = "us-east", Bytes = 1 }) },
        { "egress", e => e.Egress.AddRange(Enumerable.Range(0, 17).Select(_ => new V1.EgressUsage())) },
        { "tags", e => e.Tags["Team"] = "x" },
        { "tags", e => e.Tags.Add(Enumerable.Range(0, 16).ToDictionary(i => $"k{i}", _ => "v")) },
        { "tags.team", e => e.Tags["team"] = new string('x', 129) },
        { "outcome", e => e.Outcome = (V1.AttemptOutcome)9 },
        { "pricing_model", e => e.PricingModel = (V1.PricingModel)9 },
        { "reason", e => e.Reason = new string('x', 257) },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Read_Fault_NamesTheField(string field, Action<V1.UsageEvent> breaks)
    {
        var wire = Wire();
        breaks(wire);

        var error = Assert.Throws<RpcException>(() => UsageReader.Read(wire));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.StartsWith($"{field}: ", error.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AttemptOutcome.Answered, null, BilledTo.Tenant)]
    [InlineData(AttemptOutcome.Superseded, null, BilledTo.Overhead)]
    [InlineData(AttemptOutcome.Failed, 0, BilledTo.Overhead)]
    [InlineData(AttemptOutcome.Unknown, null, BilledTo.Pending)]
    [InlineData(AttemptOutcome.Unknown, 0, BilledTo.Tenant)]
    [InlineData(AttemptOutcome.Unknown, 1, BilledTo.Overhead)]
    [InlineData(AttemptOutcome.Unknown, -1, BilledTo.Overhead)]
    internal void BillingRule_Attempt_IsBilledToWhomItAnswered(
        AttemptOutcome outcome, int? answered, BilledTo expected) =>
        Assert.Equal(expected, BillingRule.Of(UsageReader.Read(Wire()) with { Outcome = outcome }, answered));

    [Fact]
    public void Judge_Repeats_CountOnce()
    {
        var usage = UsageReader.Read(Wire());
        var reversal = usage.Reverse("wrong node");

        Assert.Equal(UsageTaken.Added, UsageRules.Judge(usage, null, null));
        Assert.Equal(UsageTaken.Duplicate, UsageRules.Judge(UsageReader.Read(Wire()), usage, null));
        Assert.Equal(UsageTaken.Conflict, UsageRules.Judge(usage with { Quantities = [] }, usage, null));
        Assert.Equal(UsageTaken.UnknownOriginal, UsageRules.Judge(reversal, null, null));
        Assert.Equal(UsageTaken.Added, UsageRules.Judge(reversal, null, usage));
        Assert.Equal(UsageTaken.NotItsReversal,
            UsageRules.Judge(reversal with { Quantities = [new(Gpu, -1)] }, null, usage));
        Assert.Throws<InvalidOperationException>(() => reversal.Reverse("again"));
        // A hedge is not the attempt that it hedges.
        Assert.NotEqual(usage.Id, usage.Id with { Attempt = 1 });
    }

    [Fact]
    public void Rate_AnHour_CostsItsPrice()
    {
        Rater rater = new(Books.Example());

        var spot = rater.Rate(new Quantity(Gpu, 3_600_000), PricingModel.Spot, Books.Day(1, 1))!;
        Assert.Equal(("0.24", "0.84"), (spot.Cost.Round().ToDecimal(), spot.ListCost.Round().ToDecimal()));
        var egress = rater.Rate(new Quantity(new PriceKey(Meter.Egress, "us-east", "eu-west"), 2_500_000_000),
            PricingModel.Spot, Books.Day(2, 1))!;
        Assert.Equal(PricingModel.OnDemand, egress.Model); // it has no other
        Assert.Equal("0.05", egress.Cost.Round().ToDecimal());
        var storage = rater.Rate(new Quantity(new PriceKey(Meter.Storage, "us-east", Type: "standard"), 730_000),
            PricingModel.OnDemand, Books.Day(2, 1))!;
        Assert.Equal("0.023", storage.Cost.Round().ToDecimal());
        Assert.Null(rater.Rate(new Quantity(Gpu, 1), PricingModel.OnDemand, Books.Day(1, 1).AddTicks(-1)));
    }

    /// <summary>A millisecond costs a fraction of a millionth: nothing of it may be lost or made.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Rate_ManyTinyEvents_AddUpToTheWhole(int seed)
    {
        Rater rater = new(Books.Example());
        Random random = new(seed);
        List<ExactAmount> parts = [];
        long milliseconds = 0;
        for (var i = 0; i < 20_000; i++)
        {
            long one = random.Next(0, 50);
            milliseconds += one;
            parts.Add(rater.Rate(new Quantity(Gpu, one), PricingModel.OnDemand, Books.Day(8, 1))!.Cost);
        }
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(parts));

        var sum = parts.Aggregate(ExactAmount.Zero(Currency.Usd), (all, one) => all + one);

        Assert.Equal(rater.Rate(new Quantity(Gpu, milliseconds), PricingModel.OnDemand, Books.Day(8, 1))!.Cost, sum);
        // As two columns of a database, added up there.
        var stored = parts.Select(p => p.Split()).ToArray();
        Assert.Equal(sum, ExactAmount.From(
            stored.Aggregate((Int128)0, (all, s) => all + s.Micros),
            stored.Aggregate((Int128)0, (all, s) => all + s.Remainder), Currency.Usd));
    }

    [Fact]
    public void Rate_ReversalAndRevision_LeaveTheRevision()
    {
        Rater rater = new(Books.Example());
        var usage = UsageReader.Read(Wire());
        var revised = usage.Revise([new Quantity(Gpu, 777)], "clock was wrong");

        ExactAmount Cost(UsageEvent e) =>
            rater.Rate(e).Charges.Aggregate(ExactAmount.Zero(Currency.Usd), (all, c) => all + c.Cost);

        Assert.Equal(Cost(revised), Cost(usage) + Cost(usage.Reverse("clock was wrong")) + Cost(revised));
        Assert.Equal(1, revised.Id.Revision);
        Assert.NotEqual(0, Cost(usage).Parts);
    }

    [Fact]
    public void Rate_WithoutAPrice_IsKept()
    {
        var wire = Wire();
        wire.NodeType = "gpu-of-tomorrow";

        var rating = new Rater(Books.Example()).Rate(UsageReader.Read(wire));

        Assert.Equal(["nodeTime/us-east/core/gpu-of-tomorrow"], rating.Unpriced.Select(q => q.Key.Sku));
        Assert.Equal(2, rating.Charges.Count);
    }
}
