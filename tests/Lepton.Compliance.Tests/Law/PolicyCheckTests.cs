using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Tests.Law;

/// <summary>C3: what a policy must pass, and what stops it.</summary>
public sealed class PolicyCheckTests
{
    private static PolicyReport Check(Action<JsonObject> change) =>
        PolicyCheck.Run(Shipped.With(change), Shipped.World, Shipped.Time);

    [Fact]
    public void Invariant_EuDataToTheUsUnconditionally_GivesTheCounterexample()
    {
        var report = Check(p => p.Regime("eu-gdpr").Rule("data-privacy-framework").Remove("conditions"));

        var problem = Assert.Single(report.Problems, p => p is { Stage: "invariant", Name: "eu-personal-stays" });
        Assert.Contains("data of EU", problem.Message, StringComparison.Ordinal);
        Assert.Contains("goes to US for inference on 2026-11-25", problem.Message, StringComparison.Ordinal);
        Assert.Contains("allowed by eu-gdpr.data-privacy-framework, with no safeguard", problem.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Invariant_RuleThatOnlyBeginsLater_IsFoundWithItsDay()
    {
        var report = Check(p => p.Regime("eu-gdpr")["rules"]!.AsArray().Add(new JsonObject
        {
            ["id"] = "some-day", ["destinations"] = "RU", ["effect"] = "allow", ["source"] = "a plan",
            ["from"] = "2029-03-01",
        }));

        var problem = Assert.Single(report.Problems, p => p is { Stage: "invariant", Name: "eu-personal-stays" });
        Assert.Contains("goes to RU for inference on 2029-03-01", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invariant_HoldsOnlyWhileFewAreCounted_IsFoundWithTheCount()
    {
        var report = Check(p => p.Regime("cn-pipl").Rule("sensitive-many")["conditions"] = new JsonArray("consent"));

        var problem = Assert.Single(report.Problems, p => p is { Stage: "invariant" });
        Assert.Equal("cn-sensitive-never-exempt", problem.Name);
        Assert.Contains("with consent", problem.Message, StringComparison.Ordinal);
        Assert.Contains("cn-sensitive-persons-year = 10000", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Test_AnotherAnswer_SaysExpectedAndGot()
    {
        var report = Check(p => p["tests"]!.AsArray().Add(new JsonObject
        {
            ["name"] = "wishful",
            ["given"] = new JsonObject
            {
                ["dataClass"] = "eu-personal", ["purpose"] = "inference", ["region"] = "us-east",
            },
            ["expect"] = new JsonObject { ["effect"] = "allow" },
        }));

        var problem = Assert.Single(report.Problems);
        Assert.Equal(("test", "wishful"), (problem.Stage, problem.Name));
        Assert.Contains("expected allow, got deny by eu-gdpr.data-privacy-framework", problem.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("effect", "\"perhaps\"", "regimes[eu-gdpr].rules[0].effect", "takes allow or deny")]
    [InlineData("from", "\"25.5.2018\"", "regimes[eu-gdpr].rules[0].from", "YYYY-MM-DD")]
    [InlineData("until", "\"2018-05-25\"", "regimes[eu-gdpr].rules[0].until", "after from")]
    [InlineData("destinations", "[\"Ireland\"]", "regimes[eu-gdpr].rules[0].destinations", "ISO 3166-1")]
    [InlineData("destinations", "[]", "regimes[eu-gdpr].rules[0].destinations", "required")]
    [InlineData("conditions", "[[]]", "regimes[eu-gdpr].rules[0].conditions[0]", "one safeguard or more")]
    [InlineData("conditions", "[\"luck\"]", "regimes[eu-gdpr].rules[0].conditions[0].any", "takes safeguards")]
    [InlineData("when", "{\"counter\":\"n\"}", "regimes[eu-gdpr].rules[0].when.counter", "counters")]
    [InlineData("id", "\"eea\"", "regimes[eu-gdpr].rules", "two rules of id eu-gdpr.eea")]
    [InlineData("sauce", "\"x\"", "regimes[eu-gdpr].rules[0].sauce", "is not a field")]
    public void Schema_WrongField_IsNamedWithWhatItTakes(string field, string value, string path, string takes)
    {
        var report = Check(p =>
        {
            var rule = p.Regime("eu-gdpr")["rules"]!.AsArray()[0]!.AsObject();
            rule[field] = JsonNode.Parse(value);
        });

        var problem = Assert.Single(report.Problems);
        Assert.Equal(("schema", path), (problem.Stage, problem.Name));
        Assert.Contains(takes, problem.Message, StringComparison.Ordinal);
        Assert.Null(report.Policy);
    }

    [Theory]
    [InlineData("dataClasses.eu-personal.category", "{}", "takes a text and is required")]
    [InlineData("regions.eu-west.jurisdiction", "{\"jurisdiction\":\"Ireland\"}", "ISO 3166-1")]
    [InlineData("counts.sheep", "{\"count\":1,\"asOf\":\"2026-11-01\"}", "no counter of the regimes")]
    public void Schema_WrongFieldOfThePolicy_IsNamed(string path, string value, string takes)
    {
        var report = Check(p =>
        {
            var parts = path.Split('.');
            if (p[parts[0]] is not JsonObject section)
                p[parts[0]] = section = [];
            var made = JsonNode.Parse(value)!.AsObject();
            if (parts[0] == "dataClasses")
                made["regions"] = new JsonArray("eu-west");
            section[parts[1]] = made;
        });

        var problem = Assert.Single(report.Problems);
        Assert.Equal(path, problem.Name);
        Assert.Contains(takes, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: [1", "takes YAML; line")]
    [InlineData("- a\n- b", "one YAML document, a mapping")]
    [InlineData("a: 1\na: 2", "takes YAML; line")]
    public void Yaml_NoMapping_SaysWhere(string yaml, string takes) => Assert.Contains(takes,
        Assert.Throws<ResidencyPolicyException>(
            () => RegimeFile.Parse(System.Text.Encoding.UTF8.GetBytes(yaml), "x.yaml")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Yaml_NorwayAndDates_StayTexts()
    {
        var read = RegimeFile.Parse("a: [NO, yes, 2018-05-25, \"1\"]\nb: 1\nc: true"u8.ToArray(), "x.yaml");
        Assert.Equal("""{"a":["NO","yes","2018-05-25","1"],"b":1,"c":true}""", read.ToJsonString());
    }

    [Fact]
    public void Yaml_AliasesThatMultiply_AreRefused()
    {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 6).Select(i =>
            $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));
        Assert.Contains("nodes at most", Assert.Throws<ResidencyPolicyException>(
            () => RegimeFile.Parse(System.Text.Encoding.UTF8.GetBytes(yaml), "x.yaml")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_RegimesByNameOnly_AreNotALawThatCanBeSigned() => Assert.Contains("takes an object",
        Assert.Throws<ResidencyPolicyException>(
            () => Shipped.Read(Shipped.With(p => p["regimes"] = new JsonArray("eu-gdpr")))).Message,
        StringComparison.Ordinal);
}
