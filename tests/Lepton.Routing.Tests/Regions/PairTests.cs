using Grpc.Core;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Routing.Tests.Regions;

/// <summary>Two routers a region: each is a gateway and a way in for the others; none is missed when gone.</summary>
public sealed class PairTests
{
    private static readonly string[] Both = ["eu-west", "us-east"];

    [Fact]
    public async Task ModelInfer_OneOfTwoRemoteRoutersKilled_NoCallFails()
    {
        await using TestWorld world = await TestWorld.StartAsync(Both, routers: 2);
        FakeNode far = await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        TaskCompletionSource killed = new();
        far.Infer = async (request, context) =>
        {
            if (request.Id == "across")
                await killed.Task.WaitAsync(context.CancellationToken);
            return new ModelInferResponse { ModelName = request.ModelName };
        };

        // Under way by both ways while one of them dies: those are sent again by the other.
        ModelInferRequest across = TestWorld.Ask("ocr");
        across.Id = "across";
        AsyncUnaryCall<ModelInferResponse>[] underWay = [.. Enumerable.Range(0, 4).Select(
            _ => world["eu-west"].Client.ModelInferAsync(across, TestWorld.Class("atlantic")))];
        await world["eu-west"].UntilAsync(s => s.Regions.All(r => r.Models.Sum(m => m.Lane.Outstanding) > 0),
            "both ways have calls under way");
        await world["us-east"].KillAsync();
        killed.SetResult();
        foreach (AsyncUnaryCall<ModelInferResponse> call in underWay)
            Assert.Equal("ocr", (await call).ModelName);
        for (int i = 0; i < 20; i++)
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("atlantic"));
        Assert.Equal(0, world["eu-west"].Outstanding());
    }

    [Fact]
    public async Task Snapshot_TwoWaysIntoARegion_ShareItsCapacity()
    {
        await using TestWorld world = await TestWorld.StartAsync(Both, routers: 2);
        await world.AddNodeAsync("us-east", "far-1", "ocr");
        await world.AddNodeAsync("us-east", "far-2", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        await world["eu-west"].UntilAsync(
            s => s.Regions.All(r => r.Models.All(m => m.Summary.Nodes == 2)), "both nodes are summed up");

        PlanRouteResponse plan = await world["eu-west"].Routing.PlanRouteAsync(new() { Model = "ocr" });

        // Two nodes of two slots and four waiting: each way stands for half of it.
        V1.Candidate[] ways = [.. plan.Decision.Attempts[0].Candidates];
        Assert.Equal(["router-us-east-0", "router-us-east-1"], ways.Select(w => w.Router));
        Assert.All(ways, w => Assert.Equal((2u, 4u, ""), (w.Slots, w.QueueMax, w.Node)));

        await world["us-east", 1].KillAsync();
        await world["eu-west"].UntilAsync(s => s.Regions.Count(r => r.Connected) == 1, "one way is left");
        plan = await world["eu-west"].Routing.PlanRouteAsync(new() { Model = "ocr" });
        V1.Candidate left = Assert.Single(
            plan.Decision.Attempts[0].Candidates, c => c.Exclusion == ExclusionReason.Unspecified);
        Assert.Equal(("router-us-east-0", 4u, 8u), (left.Router, left.Slots, left.QueueMax));
    }

    [Fact]
    public async Task ExplainDecision_AskedOfSiblingsAndOthers_IsFoundWhole()
    {
        await using TestWorld world = await TestWorld.StartAsync(Both, routers: 2);
        await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        using AsyncUnaryCall<ModelInferResponse> call =
            world["eu-west", 1].Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("atlantic"));
        await call;
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;

        foreach (TestRouter asked in (TestRouter[])[world["eu-west", 0], world["eu-west", 1]])
        {
            ExplainDecisionResponse told = await asked.Routing.ExplainDecisionAsync(new() { DecisionId = id });
            Assert.Equal((id, "eu-west"), (told.Decision.Id, told.Decision.Region));
            Assert.StartsWith("router-us-east-", told.Decision.Attempts[0].Router, StringComparison.Ordinal);
            Assert.Equal(("us-east", "far", "eu-west"),
                (told.RemoteDecision.Region, told.RemoteDecision.ServedBy, told.RemoteDecision.OriginRegion));
        }
        foreach (int router in (int[])[0, 1])
            Assert.Equal(id, (await world["us-east", router].Routing.ExplainDecisionAsync(new() { DecisionId = id }))
                .Decision.Id);
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await world["eu-west"].Routing
            .ExplainDecisionAsync(new() { DecisionId = "eu-west-" + new string('0', 32) }));
        Assert.Equal("DECISION_UNKNOWN", RpcErrors.ReasonOf(e));
    }

    [Fact]
    public async Task ModelInfer_GatewayNotAllowed_NamesEveryGatewayOfTheAllowedRegions()
    {
        await using TestWorld world = await TestWorld.StartAsync(Both, routers: 2);
        string[] allowed = [world["us-east", 0].Url, world["us-east", 1].Url];

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("us-health")));

        Assert.Equal("GATEWAY_NOT_ALLOWED", RpcErrors.ReasonOf(e));
        Assert.All(allowed, url => Assert.Contains(url, e.Status.Detail, StringComparison.Ordinal));
        Assert.DoesNotContain(world["eu-west", 1].Url, e.Status.Detail, StringComparison.Ordinal);
        PlanRouteResponse plan = await world["eu-west"].Routing.PlanRouteAsync(
            new() { Model = "ocr", DataClass = "us-health" });
        Assert.Equal(allowed, Assert.Single(plan.AllowedGateways).Routers.Select(r => r.GatewayUrl));
    }

    [Fact]
    public async Task ListRegions_TwoRoutersEach_TellsEveryRoutersState()
    {
        await using TestWorld world = await TestWorld.StartAsync(Both, routers: 2);
        await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        await world["us-east", 0].KillAsync();
        await world["eu-west", 1].UntilAsync(s => s.Regions.Count(r => r.Connected) == 1, "one way is left");

        Region[] regions = [.. (await world["eu-west", 1].Routing.ListRegionsAsync(new())).Regions];

        Assert.Equal([false, true], regions[0].Routers.Select(r => r.Own));
        Assert.Equal([false, true], regions[1].Routers.Select(r => r.Connected));
        Assert.Equal(world["us-east", 1].Url, regions[1].Routers[1].GatewayUrl);
        Assert.True(regions[1].Live);
        Assert.Equal("router-us-east-1", regions[1].Summary.Router);
    }

    [Theory]
    [InlineData("Routing:Router", "", "Routing:Router takes this router's own name")]
    [InlineData("Routing:Router", "router-us-east-0", "Routing:Router takes this router's own name")]
    [InlineData("Routing:Regions:0:Routers:1:Name", "router-eu-west-0", "names router-eu-west-0 more than once")]
    [InlineData("Routing:Regions:0:Routers:1:Name", "", "Routing:Regions:0:Routers:1:Name takes the router's name")]
    [InlineData("Routing:Regions:0:Routers:1:Url", "http://a", "Routing:Regions:0:Routers:1:Url takes the https")]
    [InlineData("Routing:Regions:0:Url", "https://a", "takes either Url and GatewayUrl or Routers, not both")]
    public async Task Start_BadRouters_StopsAndSaysWhatItTakes(string key, string value, string fault)
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => TestWorld.StartAsync(
            ["eu-west"], absent: ["us-east"], settings: new() { [key] = value }, routers: 2));
        Assert.Contains(fault, e.Message, StringComparison.Ordinal);
    }
}
