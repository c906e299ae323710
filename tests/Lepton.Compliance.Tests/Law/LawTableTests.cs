using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Sync.Client;
using Lepton.Testing;

namespace Lepton.Compliance.Tests.Law;

/// <summary>C3: the compiled table decides as the rules do, walked one by one, and allocates nothing.</summary>
public sealed class LawTableTests
{
    [Fact]
    public void Table_ShippedPolicyEveryState_IsTheWalksAnswer() => AgreesEverywhere(Shipped.Policy);

    [Fact]
    public void Table_RandomPolicies_IsTheWalksAnswer() =>
        Prop.ForAll(Policies(), policy => AgreesEverywhere(policy)).Check(
            Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Decide_RealisticPolicy_AllocatesNothing()
    {
        var policy = Shipped.Policy;
        policy.Decide("EU", "health", Purpose.Inference, "us-east");
        var bytes = Allocations.Of(() =>
        {
            for (var i = 0; i < 1000; i++)
                policy.Decide("EU", "health", Purpose.Inference, "us-east");
        });
        Assert.Equal(0, bytes);
    }

    [Theory]
    [InlineData("EU", "health", "us-east", false, "eu-gdpr.data-privacy-framework")]
    [InlineData("EU", "payment", "us-east", true, "eu-gdpr.data-privacy-framework")] // clauses are declared
    [InlineData("EU", "personal", "eu-west", true, "eu-gdpr.eea")]
    [InlineData("EU", "personal", "mars", false, "eu-gdpr.default")] // nobody knows where that is
    [InlineData("ZZ", "public", "mars", true, "not-personal.anywhere")]
    [InlineData("XX", "personal", "eu-west", false, "default")]
    [InlineData("EU", "gossip", "eu-west", false, "default")]
    public void Decide_ByNames_NamesRuleSourceAndVersion(
        string subject, string category, string region, bool allowed, string rule)
    {
        var answer = Shipped.Policy.Decide(subject, category, Purpose.Inference, region);

        if (rule == "eu-gdpr.default") // the catch-all asks for safeguards anywhere; nothing unknown has any
            Assert.Equal("eu-gdpr.safeguards", answer.RuleId);
        else
            Assert.Equal(rule, answer.RuleId);
        Assert.Equal(allowed, answer.IsAllowed);
        Assert.NotEmpty(answer.Source);
        Assert.Equal(rule == "default" ? 4 : Shipped.Policy.Version, answer.PolicyVersion);
    }

    [Fact]
    public void Decide_UnmetConditions_AreNamed()
    {
        var answer = Shipped.Policy.Decide("EU", "health", Purpose.Inference, "us-east");

        Assert.Equal(["adequate-recipient", "scc", "bcr"], answer.Unmet[0].OrderBy(Order).Take(3));
        Assert.Contains("impact-assessment", answer.Unmet[1]);

        static int Order(string s) => Array.IndexOf(["adequate-recipient", "scc", "bcr"], s) is >= 0 and var i ? i : 9;
    }

    [Fact]
    public void Count_OlderThanAMonth_IsNotKnown()
    {
        var policy = Shipped.Read(Shipped.With(p => p["counts"] = new JsonObject
        {
            ["us-omic-persons"] = new JsonObject { ["count"] = 5, ["asOf"] = "2026-11-01" },
        }));
        Assert.Equal("us-bulk-data.omic-few", Find(policy));
        Assert.Equal(new DateOnly(2026, 12, 3), policy.ChangesOn);
        Assert.Equal("us-bulk-data.omic-few", Find(policy.On(new DateOnly(2026, 12, 2))));
        Assert.Equal("us-bulk-data.omic", Find(policy.On(new DateOnly(2026, 12, 3))));

        static string? Find(ResidencyPolicy policy) =>
            policy.Table!.Find("US", "genetic", Purpose.Inference, "CN")?.RuleId;
    }

    [Fact]
    public void Refresh_DayOnWhichALawBegins_PutsTheNewOneInPlace()
    {
        MovableTime time = new(new DateTimeOffset(2027, 5, 12, 23, 59, 0, TimeSpan.Zero));
        ControlRecord<ResidencyPolicy> record = new(ControlData.PolicyKey,
            ResidencyPolicy.Parse(Shipped.Bundle, Shipped.World, time), p => p.Order, (now, json) => now);
        Assert.False(record.Refresh(p => p.Today()));
        Assert.Equal("in-dpdp.same-level", Rule());

        time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(record.Refresh(p => p.Today()));
        Assert.Equal("in-dpdp.not-restricted", Rule());
        Assert.Equal((Shipped.Policy.Version, Shipped.Policy.Digest), (record.Current.Version, record.Current.Digest));
        Assert.False(record.Refresh(p => p.Today()));

        string? Rule() => record.Current.Table!.Find("IN", "personal", Purpose.Inference, "SG")?.RuleId;
    }

    private static void AgreesEverywhere(ResidencyPolicy policy)
    {
        var (law, table) = (policy.Law!, policy.Table!);
        var state = law.On(policy.Date);
        foreach (var subject in table.Subjects)
            foreach (var category in Vocabulary.CategoryNames)
                foreach (var purpose in Enum.GetValues<Purpose>())
                    foreach (var place in table.Places)
                    {
                        var walked = state.Decide(new LawQuery(subject, category, purpose, place),
                            law.InPlace(subject, category, place, policy.Date), policy.Version);
                        var found = table.Find(subject, category, purpose, place)!;
                        if ((walked.Effect, walked.RuleId, Lacks(walked)) != (found.Effect, found.RuleId, Lacks(found)))
                            Assert.Fail($"{category} of {subject}, {purpose}, {place}: {found} is not {walked}");
                    }

        static string Lacks(LawAnswer answer) => string.Join('&', answer.Unmet.Select(u => string.Join('|', u)));
    }

    // Regimes of random rules over a small world; FsCheck prints the seed of a failure.
    private static Arbitrary<ResidencyPolicy> Policies()
    {
        var places = Gen.Elements("*", "home", "here", "AA", "AA-X", "BB", "BB-Y", "ring", "CC");
        var subjects = Gen.Elements("*", "AA", "AA-X", "BB", "ring");
        var categories = Gen.Elements("*", "personal", "special", "health", "payment", "public");
        var purposes = Gen.Elements("*", "inference", "storage");
        var rule =
            from subject in subjects
            from category in categories
            from purpose in purposes
            from to in Gen.ArrayOf(places, 2)
            from effect in Gen.Elements("allow", "allow", "deny")
            from condition in Gen.Elements("", "scc", "bcr", "consent")
            from year in Gen.Choose(2024, 2028)
            from below in Gen.Choose(0, 3)
            select new JsonObject
            {
                ["subjects"] = subject, ["categories"] = category, ["purposes"] = purpose,
                ["destinations"] = new JsonArray([.. to.Distinct().Select(t => (JsonNode)t)]), ["effect"] = effect,
                ["conditions"] = effect == "allow" && condition.Length > 0 ? new JsonArray(condition) : new JsonArray(),
                ["when"] = below == 0 ? null : new JsonObject { ["counter"] = "n", ["below"] = below },
                ["source"] = "s", ["from"] = $"{year}-01-01",
            };
        var policies =
            from first in Gen.ArrayOf(rule, 9)
            from second in Gen.ArrayOf(rule, 5)
            from scope in Gen.Elements("AA", "ring", "*")
            from count in Gen.Choose(0, 3)
            select Shipped.Read(Shipped.With(p => Make(p, first, second, scope, count)));
        return policies.ToArbitrary();
    }

    private static void Make(JsonObject policy, JsonObject[] first, JsonObject[] second, string scope, int count)
    {
        foreach (var (name, _) in policy.ToArray())
            if (name is not ("version" or "tenants" or "models"))
                policy.Remove(name);
        policy["regimes"] = new JsonArray(
            Regime("first", scope, "personal", first), Regime("second", "*", "*", second));
        policy["counts"] = new JsonObject
        {
            ["n"] = new JsonObject { ["count"] = count, ["asOf"] = "2026-11-20" },
        };
        policy["safeguards"] = new JsonArray(new JsonObject
        {
            ["kinds"] = new JsonArray("scc"), ["subjects"] = new JsonArray("AA"), ["reference"] = "r",
            ["categories"] = new JsonArray("special"), ["destinations"] = new JsonArray("BB"), ["from"] = "2026-01-01",
        });
        policy["dataClasses"] = new JsonObject
        {
            ["public"] = new JsonObject { ["regions"] = new JsonArray("*"), ["category"] = "public" },
        };
        policy["tenants"] = new JsonObject { ["t"] = new JsonObject { ["floor"] = "public" } };
        policy["models"] = new JsonObject { ["default"] = new JsonObject { ["floor"] = "public" } };
    }

    private static JsonObject Regime(string id, string subjects, string categories, JsonObject[] rules)
    {
        JsonArray list = [];
        foreach (var rule in rules)
        {
            var copy = rule.DeepClone().AsObject();
            copy["id"] = $"r{list.Count}";
            if (copy["when"] is null)
                copy.Remove("when");
            list.Add(copy);
        }
        return new JsonObject
        {
            ["id"] = id, ["name"] = id, ["source"] = "s", ["dated"] = "2026-01-01", ["review"] = "r",
            ["scope"] = new JsonObject { ["subjects"] = subjects, ["categories"] = categories },
            ["groups"] = new JsonObject { ["ring"] = new JsonArray("BB", "CC") },
            ["counters"] = new JsonObject { ["n"] = "things" }, ["rules"] = list,
        };
    }
}
