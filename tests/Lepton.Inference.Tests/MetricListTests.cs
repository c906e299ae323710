using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Inference.Tests;

/// <summary>E5: the README lists the node's metrics, all of them and no others.</summary>
[Collection("node")]
public sealed class MetricListTests(NodeFixture fixture)
{
    [Fact]
    public void Readme_Metrics_AreTheNodes()
    {
        Assert.True(fixture.Repository.Started); // or the meters would not be there yet
        var readme = MetricList.RepositoryFile("services/Lepton.Inference/README.md");

        var differences = MetricList.Differences(MetricList.Listed(readme),
            MetricList.Live(MetricList.IsOfService, PrometheusText.NameOf));
        Assert.True(differences.Length == 0, differences);
    }
}
