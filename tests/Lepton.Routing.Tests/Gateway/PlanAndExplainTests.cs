using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

public sealed class PlanAndExplainTests
{
    [Fact]
    public async Task PlanRoute_Allowed_PicksAndBooksNothing()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        PlanRouteResponse plan = await world["eu-west"].Routing.PlanRouteAsync(
            new() { Model = "ocr", DataClass = "eu-personal", Strategy = "weighted" });
        Assert.Equal(("", 0, "node-a", "weighted"),
            (plan.Decision.Id, plan.Decision.StatusCode, plan.Decision.Attempts[0].Node, plan.Decision.Strategy));
        Assert.Equal(["eu-west"], plan.AllowedGateways.Select(g => g.Name));
        Candidate excluded = plan.Decision.Attempts[0].Candidates.Single(c => c.Region == "us-east");
        Assert.Equal(ExclusionReason.RegionNotAllowed, excluded.Exclusion);
        Assert.Empty(node.Assertions);
        Assert.Equal(0, world["eu-west"].Outstanding());
    }

    [Fact]
    public async Task PlanRoute_Refused_IsAnAnswerThatNamesTheGateways()
    {
        await using TestWorld world = await TestWorld.StartAsync(["us-east"], absent: ["eu-west"]);
        PlanRouteResponse plan = await world["us-east"].Routing.PlanRouteAsync(
            new() { Model = "ocr", DataClass = "eu-personal" });
        Assert.Equal((9, "GATEWAY_NOT_ALLOWED"), (plan.Decision.StatusCode, plan.Decision.Reason));
        Assert.Equal(["eu-west"], plan.AllowedGateways.Select(g => g.Name));
    }

    [Fact]
    public async Task ExplainDecision_AnotherTenants_IsUnknown()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        await call;
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        using var channel = world.Installation.Channel(world["eu-west"].Url, world.Installation.Tenant("other"));
        foreach (string asked in (string[])[id, "eu-west-" + new string('0', 32), "mars"])
        {
            RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
                await new V1.RoutingService.RoutingServiceClient(channel).ExplainDecisionAsync(
                    new() { DecisionId = asked }));
            Assert.Equal((StatusCode.NotFound, "DECISION_UNKNOWN"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        }
    }

    [Fact]
    public async Task WatchNodes_NodeGoes_IsSeen()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        using var watch = world["eu-west"].Routing.WatchNodes(new());
        Assert.True(await watch.ResponseStream.MoveNext());
        Assert.Equal(NodeState.Serving, watch.ResponseStream.Current.Nodes[0].State);
        await node.KillAsync();
        NodeState seen = NodeState.Serving;
        while (seen != NodeState.Out && await watch.ResponseStream.MoveNext())
            seen = watch.ResponseStream.Current.Nodes[0].State;
        Assert.Equal(NodeState.Out, seen);
    }

    [Theory]
    [InlineData("us-east", "inference", "PERMISSION_DENIED")]
    [InlineData("eu-west", "routing", "PERMISSION_DENIED")]
    public async Task Report_WrongCaller_IsRefused(string region, string service, string expected)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        using var channel = world.Installation.Channel(world["eu-west"].Url,
            world.Installation.Service(region, service));
        using var call = new RegistryService.RegistryServiceClient(channel).Report();
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(expected, e.StatusCode == StatusCode.PermissionDenied ? "PERMISSION_DENIED"
            : e.StatusCode.ToString());
    }
}
