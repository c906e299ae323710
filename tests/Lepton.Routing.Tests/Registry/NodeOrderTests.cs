using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Tests.Registry;

/// <summary>C2, R2: an operator takes a node out of service and back, by any router of its region.</summary>
public sealed class NodeOrderTests
{
    [Fact]
    public async Task Drain_ByOneRouter_HoldsAtBothAndResumeEndsIt()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], routers: 2);
        FakeNode one = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        FakeNode two = await world.AddNodeAsync("eu-west", "node-b", "ocr");

        DrainNodeResponse drained = await world["eu-west"].Routing.DrainNodeAsync(new() { Node = "node-a" });

        Assert.Equal(NodeState.Draining, drained.Node.State);
        await world["eu-west", 1].UntilAsync(s => s.Nodes.Single(n => n.Id == "node-a").State == NodeState.Draining,
            "the other router has heard it from the node");
        for (int i = 0; i < 10; i++)
            await world["eu-west", i % 2].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        Assert.Equal((0, 10), (one.Served, two.Served));

        ResumeNodeResponse back = await world["eu-west", 1].Routing.ResumeNodeAsync(new() { Node = "node-a" });

        Assert.Equal(NodeState.Serving, back.Node.State);
    }

    [Fact]
    public async Task Drain_DrainsAlready_IsAnAnswer()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", r => r.State = NodeState.Draining, "ocr");

        Assert.Equal(NodeState.Draining,
            (await world["eu-west"].Routing.DrainNodeAsync(new() { Node = "node-a" })).Node.State);
    }

    [Theory]
    [InlineData("", StatusCode.InvalidArgument, "FIELD_INVALID")]
    [InlineData("node-z", StatusCode.NotFound, "NODE_UNKNOWN")]
    [InlineData("node-a", StatusCode.Unavailable, "NODE_SILENT")]
    public async Task Drain_CannotBe_SaysWhy(string node, StatusCode status, string reason)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        (await world.AddNodeAsync("eu-west", "node-a", "ocr")).Deaf = true;

        RpcException e = await Assert.ThrowsAsync<RpcException>(
            async () => await world["eu-west"].Routing.DrainNodeAsync(new() { Node = node }));

        Assert.Equal((status, reason), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }
}
