using System.Text;
using Lepton.Compliance.Client;
using Lepton.Sync.Placement;
using Lepton.Testing;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S6: which classes of records there are, and that their regions are the residency policy's.</summary>
public sealed class RecordClassesFileTests
{
    private static readonly string[] Regions = ["us-east", "eu-west", "ap-southeast"];

    private static RecordClassesFile Read(string json, string[]? regions = null) => RecordClassesFile.Parse(
        Encoding.UTF8.GetBytes(json), Policy(regions ?? Regions), regions ?? Regions);

    private static ResidencyPolicy Policy(string[] regions) =>
        ResidencyPolicy.Load(MetricList.RepositoryFile("deploy/residency.json"), regions);

    [Fact]
    public void Load_ShippedFile_HasGlobalAndAClassOfEachDataClass()
    {
        var file = RecordClassesFile.Load(
            MetricList.RepositoryFile("deploy/records.json"), Policy(Regions), Regions);

        Assert.Equal(["global", .. Policy(Regions).DataClasses.Select(c => c.Name)], file.Classes.Select(c => c.Name));
        Assert.All(file.Classes, c => Assert.Same(c, file.Classes[c.Id.Value]));
        RecordClass global = file.Classes[0];
        Assert.Equal(("public", "us-east", KeyForm.Clear), (global.DataClass, global.HomeRegion, global.Keys));
        Assert.Equal(["ap-southeast", "eu-west", "us-east"], global.Regions);
        RecordClass finance = file.Classes.Single(c => c.Name == "atlantic-finance");
        Assert.Equal(["eu-west", "us-east"], finance.Regions);
        Assert.Equal((2, 2, null, KeyForm.Blind),
            (finance.CopyRegions, finance.CopyZones, finance.HomeRegion, finance.Keys));
    }

    [Fact]
    public void Load_ShippedFileWhereAnotherRegionIsFirst_GlobalIsAtHomeThere()
    {
        string[] regions = ["eu-west", "ap-southeast"];

        var file = RecordClassesFile.Load(
            MetricList.RepositoryFile("deploy/records.json"), Policy(regions), regions);

        Assert.Equal("eu-west", file.Classes[0].HomeRegion);
    }

    [Fact]
    public void Parse_NothingSaid_CopiesAreThreeRegionsOfTwoZones()
    {
        string[] four = [.. Regions, "sa-east"];

        var read = Read("""{ "version": 2, "classes": { "c": { "dataClass": "public" } } }""", four);

        Assert.Equal(2, read.Version);
        Assert.Equal((3, 2), (read.Classes[0].CopyRegions, read.Classes[0].CopyZones));
    }

    [Theory]
    [InlineData("""{ "classes": {} }""", "version")]
    [InlineData("""{ "version": 0, "classes": {} }""", "version")]
    [InlineData("""{ "version": 1 }""", "classes")]
    [InlineData("""{ "version": 1, "classes": {} }""", "classes")]
    [InlineData("""{ "version": 1, "classes": [] }""", "classes")]
    [InlineData("""{ "version": 1, "clases": {} }""", "clases")]
    [InlineData("""[]""", "the file")]
    [InlineData("""{ "version": 1,""", "the file")]
    [InlineData("""{ "version": 1, "classes": { "A b": { "dataClass": "public" } } }""", "classes.A b")]
    [InlineData("""{ "version": 1, "classes": { "c": 1 } }""", "classes.c")]
    [InlineData("""{ "version": 1, "classes": { "c": {} } }""", "classes.c.dataClass")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "secret" } } }""", "classes.c.dataClass")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": 1 } } }""", "classes.c.dataClass")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "public", "copies": 2 } } }""", "classes.c.copies")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "public", "copyRegions": 0 } } }""",
        "classes.c.copyRegions")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "eu-personal", "copyRegions": 2 } } }""",
        "classes.c.copyRegions")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "public", "copyZones": 17 } } }""",
        "classes.c.copyZones")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "public", "copyZones": 1.5 } } }""",
        "classes.c.copyZones")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "eu-personal", "homeRegion": "us-east" } } }""",
        "classes.c.homeRegion")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "eu-personal", "homeRegion": "first" } } }""",
        "classes.c.homeRegion")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "public", "keys": "open" } } }""",
        "classes.c.keys")]
    [InlineData("""{ "version": 1, "classes": { "c": { "dataClass": "public" }, "c": { "dataClass": "public" } } }""",
        "the file")]
    public void Parse_WrongField_NamesIt(string json, string field)
    {
        var fault = Assert.Throws<RecordClassesException>(() => Read(json));

        Assert.Equal(field, fault.Field);
        Assert.Contains("takes", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NoFile_NamesIt() => Assert.Equal("the file", Assert.Throws<RecordClassesException>(() =>
        RecordClassesFile.Load("absent.json", Policy(Regions), Regions)).Field);
}
