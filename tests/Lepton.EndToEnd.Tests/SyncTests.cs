using System.Diagnostics;
using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>S1, S6, S7: records over the real platform, as a person handles them.</summary>
[Collection(FullPlatformCollection.Name)]
[Trait("Category", "Long")] // a platform of its own: minutes
public sealed class SyncTests(FullPlatform platform)
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Put_InOneRegion_IsReadAndListedInOthersAndDeleted()
    {
        string key = $"orders/{Guid.NewGuid():N}";
        // Replicas that were just started confirm nothing before they have copied.
        CliResult put = new(1, "", "");
        await UntilAsync(async () => (put = await platform.AskAsync(
            "sync", "put", key, "two crates", "--level", "each", "--from", "us-east", "--json")).ExitCode == 0);
        JsonElement written = put.Json();
        Assert.Equal(2, written.GetProperty("confirmed_regions").GetArrayLength());

        JsonElement read = (await SyncAsync("ap-southeast", "get", key, "--local")).Json();
        Assert.Equal("two crates", read.GetProperty("value").GetString());
        Assert.Equal("ap-southeast", read.GetProperty("freshness").GetProperty("node").GetString()![..^2]);
        Assert.Contains(key, (await SyncAsync("eu-west", "scan", "orders/")).Output, StringComparison.Ordinal);
        JsonElement place = (await SyncAsync("eu-west", "where", key)).Json();
        Assert.Equal(6, place.GetProperty("replicas").GetArrayLength());

        string version = written.GetProperty("version").GetString()!;
        (await SyncAsync("eu-west", "delete", key, "--expect", version)).Require();
        CliResult gone = await platform.AskAsync("sync", "get", key, "--from", "ap-southeast", "--json");
        Assert.Equal("RECORD_UNKNOWN", Reason(gone));
    }

    [Fact]
    public async Task Put_PersonalData_StaysInItsRegionUntilItIsErased()
    {
        string subject = $"anna-{Guid.NewGuid():N}", key = $"customers/{subject}";
        string[] personal = ["--class", "eu-personal"];
        (await SyncAsync("eu-west", ["put", key, "a secret of Anna's", "--subject", subject, .. personal])).Require();

        JsonElement place = (await SyncAsync("eu-west", ["where", key, .. personal])).Json();
        Assert.Equal(["eu-west-a", "eu-west-b"], place.GetProperty("replicas").EnumerateArray()
            .Select(r => r.GetProperty("node").GetString()).Order(StringComparer.Ordinal));
        CliResult abroad = await platform.AskAsync(["sync", "get", key, "--from", "us-east", "--json", .. personal]);
        Assert.Contains(Reason(abroad), new[] { "RESIDENCY_REFUSED", "NODE_NOT_ALLOWED" });
        CliResult export = await SyncAsync("eu-west", "export", subject);
        Assert.Contains("a secret of Anna's", export.Output, StringComparison.Ordinal);

        string erasure = (await SyncAsync("eu-west", "erase", subject)).Json().GetProperty("erasure_id").GetString()!;
        await UntilAsync(async () => !(await SyncAsync("eu-west", "erasure", erasure)).Output
            .Contains("PENDING", StringComparison.OrdinalIgnoreCase));
        Assert.Equal("", (await SyncAsync("eu-west", "export", subject)).Output.Trim());
        (await platform.AskAsync(["sync", "get", key, "--from", "eu-west", "--json", .. personal]))
            .Require(exitCode: 1);
    }

    [Fact]
    public async Task Watch_APrefix_TellsOfAChangeMadeElsewhere()
    {
        string prefix = $"signals/{Guid.NewGuid():N}/";
        using Process watch = platform.Start(
            "sync", "watch", prefix, "--class", "global", "--from", "eu-west", "--timeout", "90", "--json");
        try
        {
            Task<string?> line = watch.StandardOutput.ReadLineAsync();
            for (int i = 0; !line.IsCompleted && i < 60; i++)
            {
                // It tells of what comes after it began, which takes a moment.
                await SyncAsync("us-east", "put", $"{prefix}{i}", "on", "--class", "global");
                await Task.WhenAny(line, Task.Delay(TimeSpan.FromSeconds(1)));
            }
            using JsonDocument told = JsonDocument.Parse(await line ?? await watch.StandardError.ReadToEndAsync());
            Assert.StartsWith(prefix, told.RootElement.GetProperty("key").GetString(), StringComparison.Ordinal);
            Assert.Equal("on", told.RootElement.GetProperty("value").GetString());
        }
        finally
        {
            watch.Kill();
        }
    }

    private async Task<CliResult> SyncAsync(string region, params string[] arguments) =>
        (await platform.AskAsync(["sync", .. arguments, "--from", region, "--json"])).Require();

    private static string Reason(CliResult refused) =>
        refused.Require(exitCode: 1).Json().GetProperty("error").GetProperty("reason").GetString()!;

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        long since = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < patience, "it did not come true");
            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }
}

/// <summary>The platform with Sync.</summary>
public sealed class FullPlatform() : Platform("full");

/// <summary>After all others: two platforms at once are too much for a small machine.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FullPlatformCollection : ICollectionFixture<FullPlatform>
{
    public const string Name = "full platform";
}
