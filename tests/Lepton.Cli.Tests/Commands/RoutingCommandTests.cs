using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Cli.Tests.Gateway;
using Lepton.Routing.V1;

namespace Lepton.Cli.Tests.Commands;

public sealed class RoutingCommandTests : IDisposable
{
    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public async Task Nodes_TwoRegionsAndPages_ListsAll()
    {
        await using FakeGateway east = await FakeGateway.StartAsync(cli.Pki, "us-east");
        await using FakeGateway west = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        cli.WritePlatform(("us-east", east.Url), ("eu-west", west.Url));
        east.Answers.Nodes = request => request.PageToken.Length == 0
            ? new ListNodesResponse { Nodes = { Node("us-east", "one") }, NextPageToken = "more" }
            : new ListNodesResponse { Nodes = { Node("us-east", "two") } };
        west.Answers.Nodes = _ => new ListNodesResponse { Nodes = { Node("eu-west", "three") } };

        Assert.Equal(0, await cli.RunAsync("nodes", "--json"));

        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.Equal(["one", "two", "three"],
            json.RootElement.EnumerateArray().Select(n => n.GetProperty("node").GetString()));
    }

    [Fact]
    public async Task Nodes_DrainAndResume_AreSentAndTheirAnswersTold()
    {
        await using FakeGateway west = await StartAsync();

        Assert.Equal(0, await cli.RunAsync("nodes", "drain", "inference-eu-west-a", "--from", "eu-west"));
        Assert.Equal(1, await cli.RunAsync("nodes", "resume", "inference-eu-west-a", "--from", "eu-west"));

        Assert.Equal([("drain", "inference-eu-west-a")], west.Answers.Changes);
        Assert.Contains("inference-eu-west-a of eu-west takes no new work", cli.Output, StringComparison.Ordinal);
        Assert.Contains("PERMISSION_DENIED", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_OneRegionDown_ListsTheOthersAndNamesIt()
    {
        await using FakeGateway west = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        cli.WritePlatform(("us-east", "https://127.0.0.1:1"), ("eu-west", west.Url));
        west.Answers.Nodes = _ => new ListNodesResponse { Nodes = { Node("eu-west", "three") } };

        Assert.Equal(3, await cli.RunAsync("nodes", "--json"));

        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.Equal("three", json.RootElement[0].GetProperty("node").GetString());
        Assert.Contains(
            "us-east: The gateway https://127.0.0.1:1 does not answer", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_CudaWantedAndCpuGot_IsShown()
    {
        await using FakeGateway west = await StartAsync();
        Node node = Node("eu-west", "inference-eu-west-a");
        node.Report.Models.Add(
            new ModelReport { Name = "ocr", Ready = true, Provider = "cpu", WantedProvider = "cuda" });
        west.Answers.Nodes = _ => new ListNodesResponse { Nodes = { node } };

        Assert.Equal(0, await cli.RunAsync("nodes"));
        Assert.Contains("cpu (cuda wanted)", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_Table_NamesWhereEachIsServed()
    {
        await using FakeGateway west = await StartAsync();
        west.Answers.Models = _ => new ListModelsResponse
        {
            Models =
            {
                new Model
                {
                    Name = "ocr", Version = "1", DataClassFloor = "public",
                    Places = { new ModelPlace { Region = "eu-west", Summary = new ModelSummary { Nodes = 2 } } },
                },
            },
        };

        Assert.Equal(0, await cli.RunAsync("models"));
        Assert.Matches("ocr +1 +public +eu-west", cli.Output);
    }

    [Theory]
    [InlineData("load", "fraud is in service on every node of eu-west.")]
    [InlineData("unload", "fraud is out of service on every node of eu-west.")]
    public async Task Models_LoadAndUnload_AskTheRegion(string word, string says)
    {
        await using FakeGateway west = await StartAsync();

        Assert.Equal((0, ""), (await cli.RunAsync("models", word, "fraud", "--from", "eu-west"), cli.Error));

        Assert.Equal([(word, "fraud")], west.Answers.Changes);
        Assert.Contains(says, cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_Decision_ShowsCandidatesExclusionsAndPick()
    {
        await using FakeGateway west = await StartAsync();
        west.Answers.Explain = request => new ExplainDecisionResponse { Decision = Decision(request.DecisionId) };

        Assert.Equal(0, await cli.RunAsync("explain", "eu-west-42"));

        Assert.Contains("Decision   eu-west-42", cli.Output, StringComparison.Ordinal);
        Assert.Matches(@"\* +inference-eu-west-a +eu-west +a ", cli.Output);
        Assert.Matches("router of us-east +us-east +region not allowed", cli.Output);
        Assert.Contains("drew 0.25", cli.Output, StringComparison.Ordinal);
        Assert.Contains("OK by inference-eu-west-a in eu-west (cpu)", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_Anchor_SaysHowItIsProved()
    {
        await using FakeGateway west = await StartAsync();
        DecisionAnchor anchor = new() { Segment = "0001", Records = 7, AuditEventId = "abc", Root = "r" };
        west.Answers.Explain = request =>
            new ExplainDecisionResponse { Decision = Decision(request.DecisionId), Anchor = anchor };
        foreach ((AnchorState state, string words) in new[]
        {
            (AnchorState.Open, "segment 0001 is still written to"), (AnchorState.Anchored, "as audit event abc has it"),
            (AnchorState.Broken, "BROKEN: segment 0001 was changed after audit event abc"),
        })
        {
            anchor.State = state;
            Assert.Equal(0, await cli.RunAsync("explain", "eu-west-42"));
            Assert.Contains(words, cli.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true, AnchorState.Anchored, 0)]
    [InlineData(false, AnchorState.Anchored, 1)]
    [InlineData(true, AnchorState.Broken, 1)]
    public async Task Replay_Decision_ShowsEachPartAndFailsWhenItDiffers(bool same, AnchorState state, int exit)
    {
        await using FakeGateway west = await StartAsync();
        west.Answers.Replay = request => new ReplayDecisionResponse
        {
            Decision = Decision(request.DecisionId), Same = same, Anchor = new DecisionAnchor { State = state },
            Residency = new ReplayedResidency
            {
                Outcome = ReplayOutcome.NotPossible, Why = "policy version 2 is not here",
            },
            Picks =
            {
                new ReplayedPick
                {
                    Number = 1, Recorded = "node-a", Picked = same ? "node-a" : "node-b",
                    Outcome = same ? ReplayOutcome.Same : ReplayOutcome.Different,
                },
            },
        };
        Assert.Equal(exit, await cli.RunAsync("replay", "eu-west-42"));
        Assert.Contains("not possible (policy version 2 is not here)", cli.Output, StringComparison.Ordinal);
        Assert.Contains(same ? "same: node-a" : "different: node-b, recorded node-a", cli.Output,
            StringComparison.Ordinal);
        Assert.Equal(exit, await cli.RunAsync("replay", "eu-west-42", "--json"));
        using JsonDocument json = JsonDocument.Parse(cli.Output[cli.Output.IndexOf('{', StringComparison.Ordinal)..]);
        Assert.Equal(same, json.RootElement.GetProperty("same").GetBoolean());
    }

    [Fact]
    public async Task Explain_Json_HasNoInfinity()
    {
        await using FakeGateway west = await StartAsync();
        Decision decision = Decision("eu-west-42");
        decision.Attempts[0].Candidates[0].Score = double.PositiveInfinity;
        west.Answers.Explain = _ => new ExplainDecisionResponse { Decision = decision };

        Assert.Equal(0, await cli.RunAsync("explain", "eu-west-42", "--json"));

        using JsonDocument json = JsonDocument.Parse(cli.Output);
        JsonElement candidates = json.RootElement.GetProperty("attempts")[0].GetProperty("candidates");
        Assert.Equal(JsonValueKind.Null, candidates[0].GetProperty("score").ValueKind);
        Assert.Equal("region not allowed", candidates[1].GetProperty("excluded").GetString());
    }

    [Fact]
    public async Task RouteDryRun_Refused_ShowsWhyAndFails()
    {
        await using FakeGateway west = await StartAsync();
        PlanRouteRequest? asked = null;
        west.Answers.Plan = request =>
        {
            asked = request;
            return new PlanRouteResponse
            {
                Decision = new Decision
                {
                    StatusCode = (int)StatusCode.FailedPrecondition, Reason = "NO_REGION_ALLOWED", Message = "none",
                },
                AllowedGateways = { new Region { Name = "us-east", GatewayUrl = "https://127.0.0.1:7420" } },
            };
        };

        int exit = await cli.RunAsync(
            "route", "--dry-run", "--model", "ocr", "--data-class", "us-health", "--priority", "batch", "--json");

        Assert.Equal((1, ""), (exit, cli.Error));
        Assert.Equal(("ocr", "us-health", "batch"), (asked!.Model, asked.DataClass, asked.Priority));
        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.Equal("NO_REGION_ALLOWED", json.RootElement.GetProperty("reason").GetString());
        Assert.Equal("us-east", json.RootElement.GetProperty("allowed_gateways")[0].GetProperty("region").GetString());
    }

    [Fact]
    public async Task Route_WithoutDryRun_IsUsage()
    {
        await using FakeGateway west = await StartAsync();

        Assert.Equal(2, await cli.RunAsync("route", "--model", "ocr"));
    }

    [Fact]
    public async Task Watch_OneRegionDown_ShowsTheOtherAndSaysSo()
    {
        await using FakeGateway west = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        cli.WritePlatform(("eu-west", west.Url), ("us-east", "https://127.0.0.1:1"));
        west.Answers.Watch = new WatchNodesResponse { Nodes = { Node("eu-west", "inference-eu-west-a") } };

        Assert.Equal(0, await cli.RunAsync("watch", "--count", "1", "--json"));

        using JsonDocument last = JsonDocument.Parse(Assert.Single(cli.Output.TrimEnd().Split('\n')));
        Assert.Equal("inference-eu-west-a", last.RootElement.GetProperty("nodes")[0].GetProperty("node").GetString());
        Assert.StartsWith(
            "us-east: ", last.RootElement.GetProperty("unreachable")[0].GetString(), StringComparison.Ordinal);
    }

    private async Task<FakeGateway> StartAsync()
    {
        FakeGateway gateway = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        cli.WritePlatform(("eu-west", gateway.Url));
        return gateway;
    }

    private static Node Node(string region, string name) => new()
    {
        State = NodeState.Serving,
        Report = new NodeReport { Node = name, Region = region, Zone = "a", Tier = Tier.Core },
    };

    private static Decision Decision(string id) => new()
    {
        Id = id,
        Region = "eu-west",
        Model = "ocr",
        AllowedRegions = { "eu-west" },
        ServedBy = "inference-eu-west-a",
        ServedRegion = "eu-west",
        Provider = "cpu",
        Duration = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(40)),
        Attempts =
        {
            new Attempt
            {
                Number = 1,
                Node = "inference-eu-west-a",
                Region = "eu-west",
                Draws = { 0.25 },
                Drawn = { 0 },
                CandidatesTotal = 2,
                Candidates =
                {
                    new Candidate { Node = "inference-eu-west-a", Region = "eu-west", Zone = "a", Slots = 2 },
                    new Candidate { Region = "us-east", Exclusion = ExclusionReason.RegionNotAllowed },
                },
            },
        },
    };
}
