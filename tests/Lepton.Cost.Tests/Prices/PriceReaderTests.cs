using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lepton.Cost.Prices;

namespace Lepton.Cost.Tests.Prices;

/// <summary>A slip of the pen in a price book names itself (B2).</summary>
public sealed class PriceReaderTests
{
    [Fact]
    public void Load_Examples_AreReadAndSaySo()
    {
        Assert.Equal(3, Books.Examples.Length);
        Assert.All(Books.Examples, file =>
        {
            var book = PriceReader.Load(file);
            Assert.StartsWith("Example, not an offer", book.Head.Notice, StringComparison.Ordinal);
            Assert.True(book.Series.Count() >= 40);
            // E3: spot is 60 to 80 % cheaper.
            Assert.All(book.Series.Where(s => s.What.Model == PricingModel.Spot), spot =>
                Assert.All(spot.Series.Entries, entry =>
                {
                    Assert.True(book.TryFind(spot.What.Key, PricingModel.OnDemand, entry.From, out var list));
                    Assert.InRange(entry.Micros * 100 / list.Micros, 20, 40);
                }));
        });
    }

    [Fact]
    public void Schema_Examples_AreValid() =>
        Assert.All(Books.Examples, file => Assert.Null(Schema.Fault(JsonNode.Parse(File.ReadAllText(file)))));

    public static TheoryData<string, string, string> Faults => new()
    {
        { "version", "0", "version" },
        { "version", "1.5", "version" },
        { "currency", "\"usd\"", "currency" },
        { "date", "\"2026-13-01\"", "date" },
        { "source", "\"\"", "source" },
        { "surprise", "1", "surprise" },
        { "exchangeRates.0.rate", "\"0\"", "exchangeRates[0].rate" },
        { "exchangeRates.0.rate", "0.9", "exchangeRates[0].rate" },
        { "exchangeRates.0.to", "\"USD\"", "exchangeRates[0].to" },
        { "exchangeRates.1.date", "\"2026-11-02\"", "exchangeRates[1].date" },
        { "prices.0.meter", "\"time\"", "prices[0].meter" },
        { "prices.0.region", "\"Us East\"", "prices[0].region" },
        { "prices.0.tier", "\"middle\"", "prices[0].tier" },
        { "prices.0.toRegion", "\"eu-west\"", "prices[0].toRegion" },
        { "prices.3.spot", "[{\"from\":\"2026-01-01T00:00:00Z\",\"price\":\"1\"}]", "prices[3].spot" },
        { "prices.0.onDemand", "[]", "prices[0].onDemand" },
        { "prices.0.onDemand.0.price", "0.84", "prices[0].onDemand[0].price" },
        { "prices.0.onDemand.0.price", "\"-1\"", "prices[0].onDemand[0].price" },
        { "prices.0.onDemand.0.price", "\"0.1234567\"", "prices[0].onDemand[0].price" },
        { "prices.0.onDemand.0.from", "\"2026-01-01\"", "prices[0].onDemand[0].from" },
        { "prices.0.onDemand.0.from", "\"2026-01-01T00:00:00+01:00\"", "prices[0].onDemand[0].from" },
        { "prices.0.onDemand.0.until", "\"2026-01-01T00:00:00Z\"", "prices[0].onDemand[0].until" }, // empty
        { "prices.0.onDemand.1.from", "\"2026-06-30T00:00:00Z\"", "prices[0].onDemand[1].from" }, // overlap
        { "prices.0.onDemand.1.from", "\"2026-07-02T00:00:00Z\"", "prices[0].onDemand[1].from" }, // gap
        { "prices.0.spot.1.from", "\"2026-01-01T00:00:00Z\"", "prices[0].spot[1].from" }, // not by time
        { "prices.1", "{\"meter\":\"requests\",\"region\":\"us-east\",\"onDemand\":[{\"from\":"
            + "\"2026-01-01T00:00:00Z\",\"price\":\"1\"}]}", "prices[4].meter" }, // us-east's requests a second time
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Parse_Fault_NamesTheField(string path, string value, string field)
    {
        var tree = Books.ExampleTree();
        Set(tree, path.Split('.'), JsonNode.Parse(value));

        var fault = Assert.Throws<PriceBookException>(() => Books.Parse(tree));

        Assert.Equal(field, fault.Field);
        Assert.Contains(field, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version")]
    [InlineData("name")]
    [InlineData("source")]
    [InlineData("date")]
    [InlineData("currency")]
    [InlineData("prices")]
    public void Parse_FieldLeftOut_IsRequiredHereAndInTheSchema(string field)
    {
        var tree = Books.ExampleTree();
        tree.Remove(field);

        Assert.Equal(field, Assert.Throws<PriceBookException>(() => Books.Parse(tree)).Field);
        Assert.Contains(field, Schema.Fault(tree), StringComparison.Ordinal);
    }

    /// <summary>What the schema finds, the reader finds too.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public void Schema_Fault_IsOneOfTheReadersToo(string path, string value, string field)
    {
        var tree = Books.ExampleTree();
        Set(tree, path.Split('.'), JsonNode.Parse(value));
        string[] onlyByReading = ["exchangeRates[0].to", "exchangeRates[1].date", "prices[3].spot", "prices[4].meter",
            "prices[0].toRegion", "exchangeRates[0].rate", "date"];

        var fault = Schema.Fault(tree);

        if (fault is null)
            Assert.True(onlyByReading.Contains(field) || path.EndsWith("from", StringComparison.Ordinal)
                || path.EndsWith("until", StringComparison.Ordinal));
        else
            Assert.Throws<PriceBookException>(() => Books.Parse(tree));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"version\":1,\"version\":2}")]
    public void Parse_NoBook_SaysWhatIsTaken(string json) => Assert.Equal("the file",
        Assert.Throws<PriceBookException>(() => PriceReader.Parse(Encoding.UTF8.GetBytes(json))).Field);

    [Fact]
    public void Load_NoFile_SaysSo() =>
        Assert.Equal("the file", Assert.Throws<PriceBookException>(() => PriceReader.Load("/no/such/file")).Field);

    [Fact]
    public void Parse_AnyTruncation_IsRefusedOrRead()
    {
        var json = File.ReadAllBytes(Books.Examples[0]);
        Random random = new(7);
        for (var i = 0; i < 200; i++)
            Assert.Throws<PriceBookException>(() => PriceReader.Parse(json.AsMemory(0, random.Next(json.Length - 2))));
    }

    private static void Set(JsonNode tree, string[] path, JsonNode? value)
    {
        var at = path[..^1].Aggregate(tree, (node, step) =>
            int.TryParse(step, out var index) ? node[index]! : node[step]!);
        if (int.TryParse(path[^1], out var last))
            at.AsArray()[last] = value;
        else
            at.AsObject()[path[^1]] = value;
    }
}
