using Lepton.Cli.Tests.Gateway;
using Lepton.Routing.V1;

namespace Lepton.Cli.Tests.Commands;

/// <summary>E1: what a person sees of a region's capacity.</summary>
public sealed class ScaleCommandTests : IDisposable
{
    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public async Task ScaleStatus_PoolHeldBack_SaysWhatItHasNeedsAndWhy()
    {
        await using FakeGateway west = await StartAsync();
        Assert.Equal(0, await cli.RunAsync("scale", "status"));
        Assert.Contains("Scaling is off", cli.Output, StringComparison.Ordinal);
        west.Answers.Scaling = new GetScalingResponse
        {
            Pools =
            {
                new PoolScaling
                {
                    Tier = Tier.Core, CurrentNodes = 1, DesiredNodes = 2, NodesMin = 1, NodesMax = 2, Why = "GPU",
                    Held = "BUDGET_GUARD_ON: spent",
                    Models = { new ModelScaling { Model = "ocr", Slots = 4, Load = 3.5, NeededNodes = 2 } },
                    Sizing = { new NodeSizing { Node = "inference-a", Size = 0.5, Why = "CPU p95 20 %" } },
                },
            },
        };

        Assert.Equal(0, await cli.RunAsync("scale", "status"));
        Assert.Equal(0, await cli.RunAsync("scale", "status", "--json"));

        Assert.Contains("BUDGET_GUARD_ON", cli.Output, StringComparison.Ordinal);
        Assert.Contains("inference-a of eu-west could be 0.5 of its size", cli.Output, StringComparison.Ordinal);
        Assert.Contains("\"desiredNodes\": 2", cli.Output, StringComparison.Ordinal);
        Assert.Contains("never", cli.Output, StringComparison.Ordinal);
    }

    private async Task<FakeGateway> StartAsync()
    {
        FakeGateway gateway = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        cli.WritePlatform(("eu-west", gateway.Url));
        return gateway;
    }
}
