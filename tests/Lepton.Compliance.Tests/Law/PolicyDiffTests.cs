using System.Text.Json.Nodes;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Tests.Law;

/// <summary>C3: which decisions another version changes, both ways.</summary>
public sealed class PolicyDiffTests
{
    [Fact]
    public void Between_Itself_IsEmpty() => Assert.True(PolicyDiff.Between(Shipped.Policy, Shipped.Policy).IsEmpty);

    [Fact]
    public void Between_SafeguardForPersonalData_WidensThatAndNothingElse()
    {
        var next = Shipped.Read(Shipped.With(p =>
        {
            p["version"] = 5;
            p["safeguards"]!.AsArray()[0]!["categories"] = new JsonArray("personal");
            p["dataClasses"]!["eu-personal"]!["regions"]!.AsArray().Add("us-east");
        }));

        var diff = PolicyDiff.Between(Shipped.Policy, next);

        var change = Assert.Single(diff.Law);
        Assert.True(change.Widens);
        Assert.Equal(("eu-gdpr.data-privacy-framework", "eu-gdpr.data-privacy-framework"),
            (change.Was.RuleId, change.Is.RuleId));
        Assert.Equal(["EU", "EU-IE"], change.Subjects);
        Assert.Equal(["US"], change.Destinations);
        Assert.DoesNotContain("payment", change.Categories); // was allowed already
        Assert.Contains("personal", change.Categories);
        Assert.Equal(Vocabulary.PurposeNames.Count, diff.Classes.Count(c => c.DataClass == "eu-personal"));
        Assert.All(diff.Classes, c => Assert.Equal(("us-east", 0), (Assert.Single(c.Gained), c.Lost.Count)));
    }

    [Fact]
    public void Between_ThereAndBack_GainsAreLosses()
    {
        var next = Shipped.Read(Shipped.With(p =>
        {
            p.Regime("sg-pdpa").Rule("comparable").Remove("conditions");
            p["tenants"]!["lion-parcels"]!["floor"] = "public";
        }));

        var there = PolicyDiff.Between(Shipped.Policy, next);
        var back = PolicyDiff.Between(next, Shipped.Policy);

        Assert.Equal(there.Law.Where(c => c.Widens).Sum(c => c.Count),
            back.Law.Where(c => c.Narrows).Sum(c => c.Count));
        Assert.NotEqual(0, there.Law.Count(c => c.Widens));
        Assert.Equal(0, there.Law.Count(c => c.Narrows));
        Assert.Equal(new FloorChange("tenant", "lion-parcels", "apac-personal", "public"), Assert.Single(there.Floors));
    }

    [Fact]
    public void Between_RegimeTakenAway_EverythingItAllowedIsLost()
    {
        var next = Shipped.Read(Shipped.With(p =>
            p["regimes"]!.AsArray().Remove(p.Regime("sg-pdpa"))));

        var diff = PolicyDiff.Between(Shipped.Policy, next);

        Assert.Contains(diff.Law, c => c.Narrows && c.Is.RuleId == "default");
        Assert.DoesNotContain(diff.Law, c => c.Widens);
        Assert.Contains(diff.Classes, c => c is { DataClass: "apac-personal", Purpose: "inference" }
            && c.Lost.SequenceEqual(["ap-southeast"]));
    }
}
