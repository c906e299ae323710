using System.Diagnostics;
using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>C2, C3, C4, R9: evidence over the real platform, as an auditor handles it.</summary>
[Collection(FullPlatformCollection.Name)]
[Trait("Category", "Long")] // beside Sync's, on the platform with everything
public sealed class ComplianceTests(FullPlatform platform) : IAsyncLifetime
{
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(4);

    private static readonly string[] owner = ["--tenant", "platform"];

    private readonly string folder = Directory.CreateTempSubdirectory("lepton-audit-").FullName;

    /// <summary>Compliance starts when records are ready, which is after the platform is.</summary>
    public async Task InitializeAsync()
    {
        foreach (string region in Platform.Regions)
            await UntilAsync(async () => (await platform.AskAsync(
                ["audit", "search", "--limit", "1", "--from", region, .. owner])).ExitCode == 0);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Infer_RefusedByPolicy_IsFoundExplainedReplayedExportedAndVerified()
    {
        CliResult refused = await platform.AskAsync("infer", "ocr", "eng/samples/invoice.png", "--from", "us-east",
            "--data-class", "eu-personal", "--json");
        JsonElement error = refused.Require(exitCode: 1).Json().GetProperty("error");
        Assert.Equal("GATEWAY_NOT_ALLOWED", error.GetProperty("reason").GetString());
        string decision = error.GetProperty("decision_id").GetString()!;

        JsonElement found = default;
        await UntilAsync(async () => (found = (await AuditAsync("search", "--decision", decision)).Json()
            .GetProperty("entries")).GetArrayLength() > 0);
        JsonElement entry = found[0];
        Assert.Equal("denied", entry.GetProperty("outcome").GetString(), ignoreCase: true);

        JsonElement explained = (await platform.AskAsync("explain", decision, "--from", "us-east", "--json"))
            .Require().Json();
        Assert.Contains("eu-personal", explained.GetRawText(), StringComparison.Ordinal);
        (await platform.AskAsync("replay", decision, "--from", "us-east", "--json")).Require();

        JsonElement files = (await AuditAsync("export", folder)).Json().GetProperty("files");
        string[] exports = [.. files.EnumerateArray().Select(f => f.GetProperty("file").GetString()!)];
        Assert.Equal(2, exports.Length); // one of each zone's log
        (await CliProcess.RunAsync(["audit", "verify", .. exports])).Require();
        string all = string.Concat(exports.Select(File.ReadAllText));
        Assert.DoesNotContain("127.0.0.1", all, StringComparison.Ordinal); // addresses stay sealed

        // Whoever changes one byte of the evidence is found.
        string changed = Path.Combine(folder, "changed.jsonl");
        string text = await File.ReadAllTextAsync(exports.MaxBy(f => new FileInfo(f).Length)!);
        int at = text.IndexOf("\"bytes\":\"", StringComparison.Ordinal) + 20;
        await File.WriteAllTextAsync(changed, text[..at] + (text[at] == 'A' ? 'B' : 'A') + text[(at + 1)..]);
        (await CliProcess.RunAsync("audit", "verify", changed)).Require(exitCode: 1);
    }

    [Fact]
    public async Task Grant_InOneRegion_HoldsInAnotherWithinSecondsUntilItIsRevoked()
    {
        string[] look = ["nodes", "--tenant", "lion-parcels", "--from", "ap-southeast", "--json"];
        (await platform.AskAsync(look)).Require(exitCode: 1);

        JsonElement granted = (await platform.AskAsync(["roles", "grant", "viewer", "--to-tenant", "lion-parcels",
            "--in", "ap-southeast", "--reason", "their own nodes", "--from", "us-east", .. owner, "--json"]))
            .Require().Json();
        string id = granted.GetProperty("assignment_id").GetString()!;
        await UntilAsync(async () => (await platform.AskAsync(look)).ExitCode == 0);

        (await platform.AskAsync(
            ["roles", "revoke", id, "--reason", "no longer", "--from", "eu-west", .. owner])).Require();
        await UntilAsync(async () => (await platform.AskAsync(look)).ExitCode == 1);
        await UntilAsync(async () => (await AuditAsync("search", "--category", "management", "--text", "own nodes"))
            .Json().GetProperty("entries").GetArrayLength() > 0);
    }

    private async Task<CliResult> AuditAsync(params string[] arguments) =>
        (await platform.AskAsync(["audit", .. arguments, "--from", "us-east", .. owner, "--json"])).Require();

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
