using System.Text;
using System.Text.Json;
using Lepton.Cli.Commands.Policies;
using Lepton.Compliance.V1;
using Lepton.Testing;

namespace Lepton.Cli.Tests.Commands;

/// <summary>C3: what is done with policies at a desk, without a platform.</summary>
public sealed class PolicyCommandTests : IDisposable
{
    private static readonly string Shipped = MetricList.RepositoryFile("deploy/residency.json");

    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    // The shipped policy with its regimes, changed, in a folder of its own.
    private string Changed(string what, string by)
    {
        string folder = Path.Combine(cli.Home, "changed");
        Directory.CreateDirectory(Path.Combine(folder, "regimes"));
        foreach (string regime in Directory.GetFiles(Path.Combine(Path.GetDirectoryName(Shipped)!, "regimes")))
        {
            File.Copy(regime, Path.Combine(folder, "regimes", Path.GetFileName(regime)), overwrite: true);
        }

        string text = File.ReadAllText(Shipped);
        Assert.Contains(what, text, StringComparison.Ordinal);
        string path = Path.Combine(folder, "residency.json");
        File.WriteAllText(path, text.Replace(what, by, StringComparison.Ordinal));
        return path;
    }

    [Fact]
    public async Task Check_ShippedPolicy_IsGood()
    {
        Assert.Equal(0, await cli.RunAsync("policy", "check", Shipped, "--json"));

        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.Equal(0, json.RootElement.GetProperty("problems").GetArrayLength());
        Assert.True(json.RootElement.GetProperty("states").GetInt64() > 10_000);
    }

    [Fact]
    public async Task Check_CaseThatFailsOrFieldThatIsWrong_SaysWhichAndFails()
    {
        Assert.Equal(1, await cli.RunAsync("policy", "check",
            Changed("\"categories\": [\"payment\"]", "\"categories\": [\"personal\"]")));
        Assert.Contains("tests[1]", cli.Output, StringComparison.Ordinal);

        Assert.Equal(1, await cli.RunAsync("policy", "check",
            Changed("\"jurisdiction\": \"SG\"", "\"jurisdiction\": \"Singapore\"")));
        Assert.Contains("regions.ap-southeast.jurisdiction", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_DataClass_NamesRuleAndLaw()
    {
        Assert.Equal(0, await cli.RunAsync(
            "policy", "explain", Shipped, "--class", "eu-personal", "--to", "us-east"));

        Assert.Contains("Denied by eu-gdpr.data-privacy-framework (GDPR art. 45", cli.Output, StringComparison.Ordinal);
        Assert.Contains("needs", cli.Output, StringComparison.Ordinal);
        Assert.Equal(2, await cli.RunAsync("policy", "explain", Shipped, "--class", "gossip", "--to", "us-east"));
        Assert.Contains("--class takes one of public, eu-personal", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diff_SafeguardForMore_SaysWhatWidens()
    {
        Assert.Equal(0, await cli.RunAsync("policy", "diff", Shipped,
            Changed("\"categories\": [\"payment\"]", "\"categories\": [\"personal\"]")));

        Assert.Contains("WIDENS", cli.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("narrows", cli.Output, StringComparison.Ordinal);
        Assert.Equal(0, await cli.RunAsync("policy", "diff", Shipped, Shipped));
        Assert.Contains("Every decision is the same.", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Decisions_AsExplainPrintsThem_AreReadOneAfterTheOther()
    {
        const string one = """
            { "decision_id": "a", "tenant": "demo", "model": "ocr", "data_class": "public", "policy_version": "4",
              "policy_digest": "sha256:00", "create_time": "2026-11-25T12:00:00.0000000+00:00",
              "allowed_regions": ["eu-west", "us-east"] }
            """;

        PastDecision[] read = [.. PastCommands.Read(Encoding.UTF8.GetBytes($"{one}\n{one}\n"))];

        Assert.Equal(2, read.Length);
        Assert.Equal(("a", 4L, "eu-west,us-east"),
            (read[1].Id, read[1].PolicyVersion, string.Join(',', read[1].AllowedRegions)));
        Assert.Throws<CommandFailure>(() => PastCommands.Read("{}"u8.ToArray()).ToArray());
        Assert.Throws<CommandFailure>(() => PastCommands.Read("{"u8.ToArray()).ToArray());
    }
}
