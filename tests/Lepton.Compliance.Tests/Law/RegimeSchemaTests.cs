using System.Text.Json.Nodes;
using Json.Schema;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Tests.Law;

/// <summary>C3: the schema in the repository says of a regime what the reader says.</summary>
public sealed class RegimeSchemaTests
{
    private static readonly JsonSchema Schema = JsonSchema.FromText(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "regimes", "regime.schema.json")));

    public static TheoryData<string> Files() =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "regimes"), "*.yaml")
            .Select(f => Path.GetFileName(f))];

    private static JsonObject Load(string file) =>
        RegimeFile.Load(Path.Combine(AppContext.BaseDirectory, "regimes", file));

    [Theory]
    [MemberData(nameof(Files))]
    public void Shipped_BySchemaAndReader_IsGood(string file)
    {
        var regime = Load(file);

        var result = Schema.Evaluate(regime, new EvaluationOptions { OutputFormat = OutputFormat.List });

        Assert.True(result.IsValid, string.Join('\n', result.Details.Where(d => d.HasErrors).Select(
            d => $"{d.InstanceLocation}: {string.Join(", ", d.Errors!.Values)}")));
        Assert.Equal(Path.GetFileNameWithoutExtension(file), (string?)regime["id"]);
    }

    [Theory]
    [InlineData("rules", "effect", "\"perhaps\"")]
    [InlineData("rules", "from", "\"1.1.2024\"")]
    [InlineData("rules", "destinations", "[\"Ireland\"]")]
    [InlineData("rules", "conditions", "[\"luck\"]")]
    [InlineData("rules", "purposes", "[\"fun\"]")]
    [InlineData("rules", "categories", "[\"gossip\"]")]
    [InlineData("rules", "sauce", "1")]
    [InlineData("tests", "expect", "{}")]
    [InlineData("invariants", "unless", "[\"luck\"]")]
    public void WrongField_BySchemaAndReader_IsBad(string list, string field, string value)
    {
        var regime = Load("eu-gdpr.yaml");
        regime[list]![0]![field] = JsonNode.Parse(value);

        Assert.False(Schema.Evaluate(regime).IsValid);
        Assert.Throws<ResidencyPolicyException>(() => Shipped.Read(Shipped.With(p =>
        {
            var regimes = p["regimes"]!.AsArray();
            regimes[regimes.IndexOf(p.Regime("eu-gdpr"))] = regime;
        })));
    }
}
