using System.Text.Json.Nodes;
using Lepton.Cost.Prices;
using Lepton.Testing;

namespace Lepton.Cost.Tests.Prices;

/// <summary>The price in force at a time, and what a new version changes (B2).</summary>
public sealed class PriceBookTests
{
    private static readonly PriceKey Gpu = new(Meter.NodeTime, "us-east", Tier: "core", Type: "gpu-l4");

    [Fact]
    public void TryFind_Boundaries_AreHalfOpen()
    {
        var book = Books.Example();

        Assert.False(book.TryFind(Gpu, PricingModel.OnDemand, Books.Day(1, 1).AddTicks(-1), out _));
        Assert.True(book.TryFind(Gpu, PricingModel.OnDemand, Books.Day(7, 1).AddTicks(-1), out var before));
        Assert.True(book.TryFind(Gpu, PricingModel.OnDemand, Books.Day(7, 1), out var after));
        Assert.Equal((840_000, 800_000), (before.Micros, after.Micros));
        Assert.False(book.TryFind(Gpu with { Type = "gpu-l5" }, PricingModel.OnDemand, Books.Day(7, 1), out _));
    }

    [Fact]
    public void TryFind_BookThatEnds_HasNoPriceAfterwards()
    {
        var tree = Books.ExampleTree();
        tree["prices"]![0]!["onDemand"]![1]!["until"] = "2026-12-01T00:00:00Z";
        var book = Books.Parse(tree);

        Assert.True(book.TryFind(Gpu, PricingModel.OnDemand, Books.Day(12, 1).AddTicks(-1), out _));
        Assert.False(book.TryFind(Gpu, PricingModel.OnDemand, Books.Day(12, 1), out _));
    }

    /// <summary>Against a walk through all entries, over random series and times.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TryFind_AnySeries_IsTheEntryThatHoldsTheTime(int seed)
    {
        Random random = new(seed);
        for (var round = 0; round < 200; round++)
        {
            List<PriceEntry> entries = [];
            var at = Books.Day(1, 1);
            for (var i = random.Next(1, 40); i > 0; i--)
            {
                var next = at.AddMinutes(random.Next(1, 500));
                entries.Add(new PriceEntry(at, i == 1 && random.Next(2) == 0 ? null : next, random.Next()));
                at = next;
            }
            PriceSeries series = new(entries, 1);
            for (var probe = 0; probe < 50; probe++)
            {
                var time = Books.Day(1, 1).AddMinutes(random.Next(-100, 12_000));
                var expected = entries.LastOrDefault(e => e.From <= time && (e.Until is null || time < e.Until));
                Assert.Equal(expected is not null, series.TryFind(time, out var price));
                Assert.Equal(expected?.Micros ?? 0, price.Micros);
            }
        }
    }

    [Fact]
    public void TryFind_Hot_AllocatesNothing()
    {
        var book = Books.Example();
        var found = 0;

        var bytes = Allocations.Of(() =>
        {
            for (var i = 0; i < 1_000; i++)
                found += book.TryFind(Gpu, PricingModel.Spot, Books.Day(1 + (i % 12), 3), out _) ? 1 : 0;
        });

        Assert.Equal(0, bytes);
        Assert.True(found >= 1_000);
    }

    [Fact]
    public void Diff_TwoVersions_NamesWhatChangesAndWhen()
    {
        var tree = Books.ExampleTree();
        tree["version"] = 2;
        tree["prices"]![0]!["onDemand"]![1]!["until"] = "2026-12-01T00:00:00Z";
        tree["prices"]![0]!["onDemand"]!.AsArray().Add(
            JsonNode.Parse("""{"from": "2026-12-01T00:00:00Z", "price": "0.7"}"""));
        tree["prices"]!.AsArray().RemoveAt(4); // us-east's requests

        var changes = PriceDiff.Of(Books.Example(), Books.Parse(tree));

        Assert.Equal(
        [
            new PriceChange(Gpu, PricingModel.OnDemand, Books.Day(12, 1), null, 800_000, 700_000),
            new PriceChange(new PriceKey(Meter.Requests, "us-east"), PricingModel.OnDemand, Books.Day(1, 1), null,
                400_000, null),
        ], changes);
        Assert.Empty(PriceDiff.Of(Books.Example(), Books.Example()));
    }
}
