using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Routing.Tests;

/// <summary>E5: the README lists the router's metrics, all of them and no others.</summary>
public sealed class MetricListTests
{
    [Fact]
    public async Task Readme_Metrics_AreTheRouters()
    {
        using TestInstallation installation = new();
        await using TestRouter router = await TestRouter.StartAsync(
            installation, "eu-west", new Dictionary<string, string[]> { ["eu-west"] = [TestRouter.FreeUrl()] });
        string readme = MetricList.RepositoryFile("services/Lepton.Routing/README.md");

        string differences = MetricList.Differences(MetricList.Listed(readme),
            MetricList.Live(MetricList.IsOfService, PrometheusText.NameOf));
        Assert.True(differences.Length == 0, differences);
    }
}
