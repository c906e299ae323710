using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

public sealed class RepositoryTests
{
    [Fact]
    public async Task ServerCalls_AreAnsweredByTheGateway()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        var client = world["eu-west"].Client;
        Assert.True((await client.ServerLiveAsync(new())).Live);
        Assert.False((await client.ServerReadyAsync(new())).Ready);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        Assert.True((await client.ServerReadyAsync(new())).Ready);
        Assert.Equal("lepton", (await client.ServerMetadataAsync(new())).Name);
    }

    [Fact]
    public async Task ModelReady_KnownAndUnknown_SaysSo()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        Assert.True((await world["eu-west"].Client.ModelReadyAsync(new() { Name = "ocr" })).Ready);
        Assert.False((await world["eu-west"].Client.ModelReadyAsync(new() { Name = "nothing" })).Ready);
        Assert.Equal(0, world["eu-west"].Outstanding());
    }

    [Fact]
    public async Task Listings_TwoNodes_AreMerged()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr", "lang");
        await world.AddNodeAsync("eu-west", "node-b", "ocr");
        var client = world["eu-west"].Client;
        Assert.Equal(["lang", "ocr"], (await client.RepositoryIndexAsync(new())).Models.Select(m => m.Name));
        ModelStatistics sum = Assert.Single((await client.ModelStatisticsAsync(new() { Name = "ocr" })).ModelStats);
        Assert.Equal((10ul, 100ul), (sum.InferenceCount, sum.InferenceStats.Success.Ns));
    }

    [Fact]
    public async Task RepositoryModelLoad_OneNodeFails_NamesIt()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode a = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        FakeNode b = await world.AddNodeAsync("eu-west", "node-b", "ocr");
        var client = world["eu-west"].Client;
        await client.RepositoryModelLoadAsync(new() { ModelName = "ocr" });
        Assert.Equal((1, 1), (a.Served, b.Served));

        b.Repository = _ => throw new RpcException(new Status(StatusCode.InvalidArgument, "damaged"));
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.RepositoryModelLoadAsync(new() { ModelName = "ocr" }));
        Assert.Equal((StatusCode.InvalidArgument, "FAN_OUT_INCOMPLETE"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Contains("node-b", e.Status.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("node-a", e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SharedMemory_IsUnimplementedWithReason()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.SystemSharedMemoryStatusAsync(new()));
        Assert.Equal((StatusCode.Unimplemented, "FEATURE_NOT_OFFERED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }
}
