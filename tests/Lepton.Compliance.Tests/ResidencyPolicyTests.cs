using System.Text;
using Lepton.Compliance.Client;

namespace Lepton.Compliance.Tests;

public sealed class ResidencyPolicyTests
{
    private static readonly string[] World = ["us-east", "eu-west", "ap-southeast"];

    private const string Policy = """
        {
          "version": 7,
          "dataClasses": {
            "public": { "regions": ["*"] },
            "eu-personal": { "regions": ["eu-west"], "regulated": true },
            "us-health": { "regions": ["us-east"], "regulated": true },
            "atlantic": { "regions": ["us-east", "eu-west"], "regulated": true },
            "eu-open": { "regions": ["eu-west"] },
          },
          "tenants": {
            "demo": { "floor": "public" }, "bank": { "floor": "atlantic" }, "europe": { "floor": "eu-open" }
          },
          "models": { "default": { "floor": "public" }, "xray": { "floor": "us-health" } }
        }
        """;

    private static ResidencyPolicy Read(string json, params string[] topology) =>
        ResidencyPolicy.Parse(Encoding.UTF8.GetBytes(json), topology.Length == 0 ? World : topology);

    private static EffectiveClass Decide(ResidencyPolicy policy, string tenant, string? model, string? header) =>
        Assert.IsType<ResidencyVerdict.Known>(policy.Decide(tenant, model, header)).Class;

    [Theory]
    [InlineData("demo", "ocr", null, "public", "ap-southeast,eu-west,us-east", false)]
    [InlineData("demo", "ocr", "", "public", "ap-southeast,eu-west,us-east", false)]
    [InlineData("demo", "ocr", "eu-personal", "eu-personal", "eu-west", true)]
    [InlineData("demo", "xray", "public", "us-health", "us-east", true)]
    [InlineData("bank", "ocr", "public", "atlantic", "eu-west,us-east", true)]
    [InlineData("bank", "ocr", "eu-personal", "eu-personal", "eu-west", true)]
    [InlineData("demo", "xray", "eu-personal", "eu-personal+us-health", "", true)]
    [InlineData("demo", null, "eu-personal", "eu-personal", "eu-west", true)]
    [InlineData("europe", "ocr", "atlantic", "atlantic+eu-open", "eu-west", true)]
    [InlineData("europe", "ocr", "eu-personal", "eu-personal", "eu-west", true)]
    [InlineData("demo", "ocr", "us-health+atlantic", "us-health", "us-east", true)]
    public void Decide_KnownNames_TakesTheStrictest(
        string tenant, string? model, string? header, string name, string regions, bool regulated)
    {
        EffectiveClass got = Decide(Read(Policy), tenant, model, header);

        Assert.Equal(name, got.Name);
        Assert.Equal(regions, string.Join(',', got.Regions));
        Assert.Equal(regulated, got.Regulated);
        Assert.Equal(got.Regions.Count, got.Set.Count);
    }

    [Fact]
    public void Decide_UnknownNames_AreDenied()
    {
        ResidencyPolicy policy = Read(Policy);
        Assert.Equal(new ResidencyVerdict.UnknownTenant("nobody"), policy.Decide("nobody", "ocr", null));
        Assert.Equal(new ResidencyVerdict.UnknownClass("secret"), policy.Decide("demo", "ocr", "secret"));
        Assert.Equal(new ResidencyVerdict.UnknownClass("public+secret"), policy.Decide("demo", "ocr", "public+secret"));
        Assert.Equal(new ResidencyVerdict.UnknownClass("public+"), policy.Decide("demo", "ocr", "public+"));
        Assert.Equal(new ResidencyVerdict.UnknownClass("PUBLIC"), policy.Decide("demo", "ocr", "PUBLIC"));
        string many = string.Join('+', Enumerable.Repeat("public", ResidencyPolicy.JoinedClassesMax + 1));
        Assert.Equal(new ResidencyVerdict.UnknownClass(many), policy.Decide("demo", "ocr", many));
    }

    [Fact]
    public void Decide_NoDefaultModel_DeniesUnnamedModels()
    {
        ResidencyPolicy policy = Read(Policy.Replace("\"default\": { \"floor\": \"public\" }, ", ""));
        Assert.Equal(new ResidencyVerdict.UnknownModel("ocr"), policy.Decide("demo", "ocr", null));
        Assert.Equal("us-health", Decide(policy, "demo", "xray", null).Name);
    }

    [Fact]
    public void Star_MeansTheTopology_NotWhatOtherClassesName()
    {
        ResidencyPolicy policy = Read(Policy, "us-east");
        Assert.Equal(["us-east"], Decide(policy, "demo", "ocr", null).Regions);
        Assert.Empty(Decide(policy, "demo", "ocr", "eu-personal").Regions); // eu-west is not of this topology
        Assert.Equal(-1, policy.IndexOf("mars"));
        Assert.False(Decide(policy, "demo", "ocr", null).Set.Contains(policy.IndexOf("mars")));
    }

    [Theory]
    [InlineData("\"version\": 7", "\"version\": 0", "version", "1 or more")]
    [InlineData("\"version\": 7", "\"version\": \"7\"", "version", "whole number")]
    [InlineData("\"version\": 7,", "\"version\": 7, \"tenant\": {},", "tenant", "is not a field")]
    [InlineData("[\"*\"]", "[\"*\", \"eu-west\"]", "dataClasses.public.regions[0]", "\"*\" alone")]
    [InlineData("[\"*\"]", "[]", "dataClasses.public.regions", "one or more")]
    [InlineData("[\"*\"]", "[7]", "dataClasses.public.regions[0]", "region name")]
    [InlineData("[\"us-east\", \"eu-west\"]", "[\"us-east\", \"us-east\"]", "dataClasses.atlantic.regions[1]", "once")]
    [InlineData("[\"us-east\", \"eu-west\"]", "[\"US\"]", "dataClasses.atlantic.regions[0]", "\"US\"")]
    [InlineData("\"regulated\": true", "\"regulated\": 1", "dataClasses.eu-personal.regulated", "true or false")]
    [InlineData("\"regulated\": true", "\"regulate\": true", "dataClasses.eu-personal.regulate", "is not a field")]
    [InlineData("\"eu-open\": {", "\"eu+open\": {", "dataClasses.eu+open", "lower-case")]
    [InlineData("\"floor\": \"atlantic\"", "\"floor\": \"pacific\"", "tenants.bank.floor", "\"pacific\"")]
    [InlineData("\"floor\": \"us-health\"", "\"class\": \"us-health\"", "models.xray.class", "is not a field")]
    [InlineData("\"tenants\"", "\"renters\"", "renters", "is not a field")]
    [InlineData("\"eu-open\": {", "\"public\": {", "the file", "repeated")]
    [InlineData("\"version\": 7,", "\"version\": 7", "the file", "JSON")]
    public void Parse_BadField_NamesItAndWhatItTakes(string old, string bad, string field, string says)
    {
        Assert.Contains(old, Policy, StringComparison.Ordinal);
        var e = Assert.Throws<ResidencyPolicyException>(() => Read(Policy.Replace(old, bad)));
        Assert.Equal(field, e.Field);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Next_RegionsComeAndGo_KeepsTheirIndexes()
    {
        ResidencyPolicy before = Read(Policy);
        RegionSet atlantic = Decide(before, "bank", "ocr", null).Set;

        // africa comes before all others by name; ap-southeast is in no class and not in the topology any more.
        ResidencyPolicy next = before.Next(Encoding.UTF8.GetBytes(Policy
            .Replace("\"version\": 7", "\"version\": 8", StringComparison.Ordinal)
            .Replace("[\"eu-west\"], \"regulated\"", "[\"africa\", \"eu-west\"], \"regulated\"",
                StringComparison.Ordinal)), ["us-east", "eu-west"]);

        Assert.Equal(["ap-southeast", "eu-west", "us-east", "africa"], next.Regions);
        Assert.Equal((8, "8", 3), (next.Version, next.VersionText, next.IndexOf("africa")));
        Assert.Equal(atlantic, Decide(next, "bank", "ocr", null).Set);
        Assert.Equal(["eu-west", "africa"], next.DataClasses[1].Set is var set
            ? next.Regions.Where((_, i) => set.Contains(i)) : []);
        Assert.Equal(["eu-west", "us-east"], Decide(next, "demo", "ocr", null).Regions); // * is the topology's
    }

    [Fact]
    public void Next_MoreRegionsThanASetHolds_IsRefused()
    {
        ResidencyPolicy before = Read(Policy, [.. Enumerable.Range(0, 200).Select(i => $"r{i:000}")]);

        Assert.Equal("regions", Assert.Throws<ResidencyPolicyException>(() => before.Next(
            Encoding.UTF8.GetBytes(Policy), Enumerable.Range(0, 100).Select(i => $"s{i:000}"))).Field);
    }

    [Fact]
    public void Load_AbsentFile_SaysSo() =>
        Assert.Equal("Lepton:PolicyFile", Assert.Throws<ResidencyPolicyException>(
            () => ResidencyPolicy.Load(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString()), World)).Field);

    [Fact]
    public void Parse_TooManyRegions_IsRefused() =>
        Assert.Equal("regions", Assert.Throws<ResidencyPolicyException>(
            () => Read(Policy, [.. Enumerable.Range(0, RegionSet.Capacity).Select(i => $"r{i:000}")])).Field);

    [Fact]
    public void Load_ShippedFile_HasTheShippedClasses()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "residency.json");
        ResidencyPolicy policy = ResidencyPolicy.Load(path, World);

        Assert.Equal(
            ["public:False:3", "eu-personal:True:1", "us-health:True:1", "apac-personal:True:1",
                "atlantic-finance:True:2"],
            policy.DataClasses.Select(c => $"{c.Name}:{c.Regulated}:{c.Set.Count}"));
        Assert.True(policy.HasTenant("demo"));
        Assert.Equal("public", Decide(policy, "demo", "ocr", null).Name);
        Assert.StartsWith("sha256:", policy.Digest, StringComparison.Ordinal);
        Assert.Equal(7 + 64, policy.Digest.Length);
        Assert.NotEqual(policy.Digest, Read(Policy).Digest);
    }
}
