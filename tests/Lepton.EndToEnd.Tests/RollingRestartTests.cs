using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// R6 and P3: every process of a region is restarted, one after the other, while tenants call. The class may be served
/// in this region only, so no other region can help.
/// </summary>
[Collection(PlatformCollection.Name)]
[Trait("Category", "Long")]
public sealed class RollingRestartTests(Platform platform)
{
    private const string Region = "eu-west";

    private static readonly string[] processes =
    [
        $"inference-{Region}-a", $"inference-{Region}-b", $"routing-{Region}", $"routing-{Region}-b",
        $"postgres-{Region}-a", $"postgres-{Region}-b",
    ];

    [Fact]
    public async Task Restart_EveryProcessOfARegionUnderLoad_FailsNoUnaryCall()
    {
        IReadOnlyDictionary<string, int> before = await PidsAsync();
        string failures;
        int answered;
        await using (SteadyLoad load = new(
            platform.Gateways(Region), platform.Handler(withCertificate: true), "eu-personal"))
        {
            foreach (string process in processes)
            {
                int then = load.Answered;
                (await platform.RunAsync("restart", process)).Require();
                Assert.True(load.Answered > then, $"nothing was answered while {process} was restarted");
            }
            (failures, answered) = (string.Join('\n', load.Failures), load.Answered);
        }

        Assert.Equal("", failures);
        Assert.True(answered > 100, $"only {answered} calls: no load");
        IReadOnlyDictionary<string, int> after = await PidsAsync();
        Assert.All(processes, p => Assert.NotEqual(before[p], after[p]));
    }

    private async Task<IReadOnlyDictionary<string, int>> PidsAsync()
    {
        JsonElement status = (await platform.RunAsync("status", "--json")).Json();
        return status.GetProperty("resources").EnumerateArray()
            .Where(r => processes.Contains(r.GetProperty("name").GetString()))
            .ToDictionary(r => r.GetProperty("name").GetString()!, r => r.GetProperty("pid").GetInt32());
    }
}
