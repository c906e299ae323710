using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>The main job as a person does it: text is read where its class allows, and the answer says where.</summary>
[Collection(PlatformCollection.Name)]
public sealed class MainJobTests(Platform platform)
{
    private const string Invoice = "eng/samples/invoice.png";

    [Fact]
    public async Task InferOcr_EuPersonalFromEurope_IsReadThere()
    {
        CliResult result = await platform.AskAsync(
            "infer", "ocr", Invoice, "--from", "eu-west", "--data-class", "eu-personal", "--json");

        JsonElement answer = result.Require().Json();
        string text = answer.GetProperty("text").GetString()!;
        Assert.Contains("20417", text, StringComparison.Ordinal);
        Assert.Contains("87.00", text, StringComparison.Ordinal);
        Assert.Equal("eu-west", answer.GetProperty("region").GetString());
        Assert.StartsWith("inference-eu-west-", answer.GetProperty("node").GetString(), StringComparison.Ordinal);
        Assert.Contains(answer.GetProperty("provider").GetString(), new[] { "cpu", "cuda" });
        Assert.StartsWith("eu-west-", answer.GetProperty("decision_id").GetString(), StringComparison.Ordinal);
        Assert.All(answer.GetProperty("lines").EnumerateArray(),
            line => Assert.InRange(line.GetProperty("confidence").GetDouble(), 0.5, 1));
    }

    [Fact]
    public async Task Explain_ServedRequest_NamesCandidatesExclusionsAndPick()
    {
        JsonElement answer = (await platform.AskAsync("infer", "ocr", "eng/samples/parcel-label.jpg", "--from",
            "eu-west", "--data-class", "eu-personal", "--json")).Require().Json();
        string id = answer.GetProperty("decision_id").GetString()!;

        JsonElement decision = (await platform.AskAsync("explain", id, "--from", "eu-west", "--json")).Require().Json();

        Assert.Equal("ocr", decision.GetProperty("model").GetString());
        Assert.Equal("eu-personal", decision.GetProperty("data_class").GetString());
        Assert.True(decision.GetProperty("regulated").GetBoolean());
        Assert.Equal(["eu-west"], Strings(decision.GetProperty("allowed_regions")));
        Assert.Equal(answer.GetProperty("node").GetString(), decision.GetProperty("served_by").GetString());
        JsonElement attempt = decision.GetProperty("attempts")[0];
        Assert.Equal(answer.GetProperty("node").GetString(), attempt.GetProperty("node").GetString());
        JsonElement[] candidates = [.. attempt.GetProperty("candidates").EnumerateArray()];
        Assert.Contains(candidates, c => c.GetProperty("node").GetString() == answer.GetProperty("node").GetString()
            && c.GetProperty("excluded").ValueKind == JsonValueKind.Null);
        Assert.All(candidates.Where(c => c.GetProperty("region").GetString() != "eu-west"),
            c => Assert.Equal("region not allowed", c.GetProperty("excluded").GetString()));
    }

    [Fact]
    public async Task InferOcr_EuPersonalFromElsewhere_IsRefusedUnreadAndNamesTheGateway()
    {
        CliResult refused = await platform.AskAsync(
            "infer", "ocr", Invoice, "--from", "us-east", "--data-class", "eu-personal", "--json");

        JsonElement error = refused.Require(1).Json().GetProperty("error");
        Assert.Equal("FAILED_PRECONDITION", error.GetProperty("code").GetString());
        Assert.Equal("GATEWAY_NOT_ALLOWED", error.GetProperty("reason").GetString());
        Assert.Contains(platform.Gateway("eu-west"), error.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain(platform.Gateway("ap-southeast"), error.GetRawText(), StringComparison.Ordinal);
        string id = error.GetProperty("decision_id").GetString()!;
        JsonElement decision = (await platform.AskAsync("explain", id, "--from", "us-east", "--json")).Require().Json();
        Assert.Equal(0, decision.GetProperty("request_bytes_read").GetInt64());
        Assert.Equal("", decision.GetProperty("model").GetString());
        Assert.Equal("GATEWAY_NOT_ALLOWED", decision.GetProperty("reason").GetString());
        Assert.Empty(decision.GetProperty("attempts").EnumerateArray());
    }

    [Fact]
    public async Task InferLanguage_PublicFromAsia_IsAnswered()
    {
        JsonElement answer = (await platform.AskAsync("infer", "language",
            "Die Rechnung ist bis zum Ende des Monats zu bezahlen.", "--from", "ap-southeast", "--json"))
            .Require().Json();

        Assert.StartsWith("de", answer.GetProperty("language").GetString(), StringComparison.Ordinal);
        Assert.Contains(answer.GetProperty("region").GetString(), Platform.Regions);
    }

    [Theory]
    [InlineData("no-such-class", "INVALID_ARGUMENT", "DATA_CLASS_UNKNOWN")]
    [InlineData("eu-personal+us-health", "FAILED_PRECONDITION", "NO_REGION_ALLOWED")]
    public async Task InferLanguage_ClassThatNobodyMayServe_IsRefused(string dataClass, string code, string reason)
    {
        CliResult refused = await platform.AskAsync(
            "infer", "language", "hello", "--from", "us-east", "--data-class", dataClass, "--json");

        JsonElement error = refused.Require(1).Json().GetProperty("error");
        Assert.Equal((code, reason), (error.GetProperty("code").GetString(), error.GetProperty("reason").GetString()));
    }

    [Theory]
    [InlineData("guarded")]
    [InlineData("weighted")]
    [InlineData("time-modulo")]
    [InlineData("round-robin")]
    [InlineData("shortest-latency")]
    [InlineData("random")]
    [InlineData("least-outstanding")]
    [InlineData("p2c")]
    [InlineData("peak-ewma")]
    public async Task RouteDryRun_EachStrategy_PicksAnAllowedNodeAndSendsNothing(string strategy)
    {
        JsonElement plan = (await platform.AskAsync("route", "--dry-run", "--model", "ocr", "--data-class", "us-health",
            "--strategy", strategy, "--from", "us-east", "--json")).Require().Json();

        Assert.Equal(strategy, plan.GetProperty("strategy").GetString());
        Assert.StartsWith("inference-us-east-",
            plan.GetProperty("attempts")[0].GetProperty("node").GetString(), StringComparison.Ordinal);
        Assert.Equal(["us-east"],
            plan.GetProperty("allowed_gateways").EnumerateArray().Select(g => g.GetProperty("region").GetString()));
        Assert.Equal("", plan.GetProperty("decision_id").GetString());
    }

    [Fact]
    public async Task Status_RunningPlatform_IsWholeAndCountsMemory()
    {
        JsonElement status = (await platform.RunAsync("status", "--json")).Json();

        Assert.Equal("running", status.GetProperty("state").GetString());
        string[] names = [.. status.GetProperty("resources").EnumerateArray()
            .Select(r => r.GetProperty("name").GetString()!)];
        foreach (string region in Platform.Regions)
        {
            Assert.Contains($"routing-{region}", names);
            Assert.Contains($"inference-{region}-standby", names);
            Assert.Contains($"postgres-{region}-a", names);
        }

        Assert.InRange(status.GetProperty("memory_pss_bytes").GetInt64(), 100L << 20, 16L << 30);
    }

    [Fact]
    public async Task Up_AlreadyRunning_SaysSo()
    {
        CliResult again = await platform.RunAsync("up", "--detach", "--base-port", platform.BasePort);

        Assert.Contains("already running", again.Require().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Up_Report_SaysWhereTheTimeWent()
    {
        Assert.Contains("where the time went", platform.StartReport, StringComparison.Ordinal);
        Assert.Contains("nodes and models", platform.StartReport, StringComparison.Ordinal);
    }

    private static IEnumerable<string?> Strings(JsonElement array) =>
        array.EnumerateArray().Select(e => e.GetString());
}
