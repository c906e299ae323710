using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: what a node is told is checked, and a fault names its key.</summary>
public sealed class PlacementOptionsTests
{
    private static PlacementOptions Good()
    {
        PlacementOptions options = new()
        {
            KeyFile = "key", ClassesFile = "records.json", PolicyFile = "residency.json",
            Nodes = { new NodeOptions { Region = "us-east", Url = "https://sync.us-east:8443" } },
        };
        (options.Topology.Database, options.Topology.File) = ("Host=x", "topology");
        return options;
    }

    [Fact]
    public void Validate_Good_Succeeds() =>
        Assert.True(new OptionsCheck<PlacementOptions>(PlacementOptions.Section, PlacementRules.Faults)
            .Validate(null, Good()).Succeeded);

    internal static TheoryData<string, Action<PlacementOptions>> Faults => new()
    {
        { "Sync:KeyFile takes", o => o.KeyFile = "" },
        { "Sync:ClassesFile takes", o => o.ClassesFile = "" },
        { "Lepton:PolicyFile takes", o => o.PolicyFile = "" },
        { "Sync:Topology:File takes", o => o.Topology.File = "" },
        { "Sync:Topology:Database takes", o => o.Topology.Database = "" },
        { "Sync:Topology:Database takes", o => o.Topology.DatabaseFile = "both" },
        { "Sync:Topology:Interval takes", o => o.Topology.Interval = TimeSpan.Zero },
        { "Sync:Topology:TimeMax takes", o => o.Topology.TimeMax = TimeSpan.FromMinutes(2) },
        { "Sync:Topology:StartTimeMax takes", o => o.Topology.StartTimeMax = TimeSpan.FromMinutes(11) },
        { "Sync:Topology:ConfirmationAgeMax takes", o => o.Topology.ConfirmationAgeMax = TimeSpan.Zero },
        { "Sync:Topology:Strategy takes", o => o.Topology.Strategy = "ring" },
        { "Sync:Nodes takes", o => o.Nodes.Clear() },
        { "Sync:Nodes takes each", o => o.Nodes.Add(o.Nodes[0]) },
        { "Sync:Nodes:0:Region takes", o => o.Nodes[0].Region = "US" },
        { "Sync:Nodes:0:Zone takes", o => o.Nodes[0].Zone = "" },
        { "Sync:Nodes:0:Weight takes", o => o.Nodes[0].Weight = 1001 },
        { "Sync:Nodes:0:Url takes", o => o.Nodes[0].Url = "http://sync:80" },
        { "Sync:Nodes:0:Url takes", o => o.Nodes[0].Url = "https://sync:443/path" },
    };

    [Fact]
    public void Validate_AnyFault_NamesItsKey()
    {
        foreach (object[] row in Faults)
        {
            PlacementOptions options = Good();
            ((Action<PlacementOptions>)row[1])(options);

            var result = new OptionsCheck<PlacementOptions>(PlacementOptions.Section, PlacementRules.Faults)
            .Validate(null, options);

            Assert.Contains((string)row[0], result.FailureMessage ?? "", StringComparison.Ordinal);
        }
    }
}
