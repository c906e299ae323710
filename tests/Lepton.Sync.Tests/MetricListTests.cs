using Lepton.ServiceDefaults;
using Lepton.Sync.Tests.World;
using Lepton.Testing;

namespace Lepton.Sync.Tests;

/// <summary>E5: the README lists the service's metrics, all of them and no others.</summary>
[Collection("postgres")]
public sealed class MetricListTests(SyncServer server)
{
    [Fact]
    public async Task Readme_Metrics_AreTheServices()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a"]);
        string readme = MetricList.RepositoryFile("services/Lepton.Sync/README.md");

        string differences = MetricList.Differences(MetricList.Listed(readme),
            MetricList.Live(meter => meter == "Lepton.Sync", PrometheusText.NameOf));

        Assert.True(differences.Length == 0, differences);
    }
}
