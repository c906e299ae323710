using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Sync.Tests.Client;

/// <summary>A bad value stops the start with its key and what it takes.</summary>
public sealed class SyncClientOptionsTests
{
    [Fact]
    public void Validate_NoNodes_Passes() => Assert.Empty(Faults(new SyncClientOptions()));

    [Fact]
    public void Validate_ANodeAndAFile_Passes() => Assert.Empty(Faults(WithNode()));

    public static TheoryData<string, Action<object>> Bad => new()
    {
        { "SyncClient:SnapshotFile takes the path of a file of this process's own.",
            o => ((SyncClientOptions)o).SnapshotFile = "" },
        { "SyncClient:Nodes:0:Url takes https://HOST:PORT, not 'http://a:1'.",
            o => ((SyncClientOptions)o).Nodes[0].Url = "http://a:1" },
        { "SyncClient:Nodes:0:Url takes https://HOST:PORT, not 'https://a:1/x'.",
            o => ((SyncClientOptions)o).Nodes[0].Url = "https://a:1/x" },
        { "SyncClient:Nodes:0:Url takes where a node of Sync is reached: https://HOST:PORT.",
            o => ((SyncClientOptions)o).Nodes[0].Url = "" },
        { "SyncClient:Nodes:0:Region takes the region of that node, e.g. eu-west.",
            o => ((SyncClientOptions)o).Nodes[0].Region = "EU" },
        { "SyncClient:CallTimeMax takes 100 ms to 30 s.", o => ((SyncClientOptions)o).CallTimeMax = TimeSpan.Zero },
        { "SyncClient:TimeMax takes 100 ms to 5 min.", o => ((SyncClientOptions)o).TimeMax = TimeSpan.Zero },
        { "SyncClient:RetriesMax takes 1 to 1000.", o => ((SyncClientOptions)o).RetriesMax = 0 },
        { "SyncClient:RecordsMax takes 1 to 100000.", o => ((SyncClientOptions)o).RecordsMax = 0 },
        { "SyncClient:FailedTime takes 0 s to 1 min.",
            o => ((SyncClientOptions)o).FailedTime = TimeSpan.FromHours(1) },
        { "SyncClient:SilenceMax takes 6 s to 5 min.",
            o => ((SyncClientOptions)o).SilenceMax = TimeSpan.FromSeconds(5) },
        { "SyncClient:CheckInterval takes 100 ms to 5 min.",
            o => ((SyncClientOptions)o).CheckInterval = TimeSpan.Zero },
        { "SyncClient:AgeWarning takes 1 s to 30 days.", o => ((SyncClientOptions)o).AgeWarning = TimeSpan.Zero },
        { "SyncClient:AgeMax takes 1 min to 365 days, or nothing.",
            o => ((SyncClientOptions)o).AgeMax = TimeSpan.Zero },
        { "SyncClient:RetryMax takes SyncClient:RetryFirst or more.",
            o => ((SyncClientOptions)o).RetryFirst = TimeSpan.FromSeconds(9) },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_ABadValue_NamesTheKeyAndWhatItTakes(string fault, Action<object> change)
    {
        SyncClientOptions options = WithNode();
        change(options);

        Assert.Equal([fault], Faults(options));
    }

    [Fact]
    public void Readme_Metrics_AreThoseThatThereAre()
    {
        using ClientWorld world = new();
        world.Start(TestValue.Record());

        Assert.Equal("", MetricList.Differences(
            MetricList.Listed(MetricList.RepositoryFile("services/Lepton.Sync.Client/README.md")),
            MetricList.Live(meter => meter == "Lepton.Control", PrometheusText.NameOf)));
    }

    private static SyncClientOptions WithNode() => new()
    {
        SnapshotFile = "snapshot", Nodes = { new SyncClientOptions.NodeOptions { Url = "https://127.0.0.1:7000" } },
    };

    private static string[] Faults(SyncClientOptions options) => [.. new OptionsCheck<SyncClientOptions>(
        SyncClientOptions.Section, SyncClientOptions.Faults).Validate(null, options).Failures ?? []];
}
