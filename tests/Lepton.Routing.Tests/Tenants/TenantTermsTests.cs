using Google.Rpc;
using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Tenants;

/// <summary>C2: a tenant's terms at the gateway, over sockets.</summary>
public sealed class TenantTermsTests
{
    [Theory]
    [InlineData("""{ "strategies": [] }""", "x-lepton-strategy", "random", "STRATEGY_NOT_ALLOWED")]
    [InlineData("""{ "strategies": ["p2c"] }""", "x-lepton-strategy", "random", "STRATEGY_NOT_ALLOWED")]
    [InlineData("""{ "strategies": ["random"] }""", "x-lepton-strategy", "random", null)]
    [InlineData("{}", "x-lepton-strategy", "random", null)]
    [InlineData("""{ "priorities": ["realtime"] }""", "x-lepton-priority", "batch", "TERM_NOT_ALLOWED")]
    [InlineData("""{ "priorities": ["batch"] }""", "x-lepton-priority", "realtime", "TERM_NOT_ALLOWED")]
    [InlineData("""{ "priorities": ["batch"] }""", "x-lepton-priority", "batch", null)]
    [InlineData("""{ "tags": ["team"] }""", "x-lepton-tags", "team=a, cost=b", "TERM_NOT_ALLOWED")]
    [InlineData("""{ "tags": ["team", "cost"] }""", "x-lepton-tags", "team=a, cost=b", null)]
    [InlineData("""{ "tags": [] }""", "x-lepton-tags", "team", "TERM_NOT_ALLOWED")]
    public async Task ModelInfer_HeaderBeyondTheTerms_IsRefused(
        string terms, string header, string value, string? reason)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        SetTerms(world, terms);
        Metadata headers = new() { { header, value } };

        if (reason is null)
        {
            Assert.Equal("id-1", (await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), headers)).Id);
            return;
        }
        RpcException refused = await RefusedAsync(world, headers);
        Assert.Equal((StatusCode.PermissionDenied, reason), (refused.StatusCode, RpcErrors.ReasonOf(refused)));
    }

    [Fact]
    public async Task PlanRoute_BeyondTheTerms_IsRefused()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        SetTerms(world, """{ "priorities": ["realtime"], "strategies": [] }""");

        foreach (V1.PlanRouteRequest asked in (V1.PlanRouteRequest[])
            [new() { Model = "ocr", Strategy = "random" }, new() { Model = "ocr", Priority = "batch" }])
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(
                async () => await world["eu-west"].Routing.PlanRouteAsync(asked));
            Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        }
    }

    [Fact]
    public async Task ModelInfer_RateSpent_IsRefusedWithRetryInfoAndNeverReachesANode()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        SetTerms(world, """{ "requestsPerSecond": 1, "burst": 3 }""");
        for (int i = 0; i < 3; i++)
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));

        RpcException refused = await RefusedAsync(world);

        Assert.Equal((StatusCode.ResourceExhausted, "TENANT_QUOTA_SPENT"),
            (refused.StatusCode, RpcErrors.ReasonOf(refused)));
        RetryInfo retry = RpcErrors.DetailsOf(refused)!.Details
            .Single(d => d.Is(RetryInfo.Descriptor)).Unpack<RetryInfo>();
        Assert.InRange(retry.RetryDelay.ToTimeSpan(), TimeSpan.FromTicks(1), TimeSpan.FromSeconds(1));
        Assert.Equal(3, node.Served);
        // Another tenant's are its own.
        using var channel = world.Installation.Channel(world["eu-west"].Url, world.Installation.Tenant("other"));
        await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(TestWorld.Ask("ocr"));
    }

    [Fact]
    public async Task Stream_RateSpent_EndsWithIt()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        SetTerms(world, """{ "requestsPerSecond": 1, "burst": 3 }""");
        using var call = world["eu-west"].Client.ModelStreamInfer();
        int answers = 0;

        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            for (int i = 0; i < 10; i++)
            {
                await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
                if (await call.ResponseStream.MoveNext(CancellationToken.None))
                    answers++;
            }
        });

        Assert.Equal((StatusCode.ResourceExhausted, 3), (ended.StatusCode, answers));
    }

    [Fact]
    public async Task ModelInfer_UnderWayAtOneRouter_CountsAtItsSibling()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west"], routers: 2, settings: new() { ["Routing:Quotas:SiblingAgeMax"] = "00:01:00" });
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        SetTerms(world, """{ "concurrentRequests": 1 }""");
        TaskCompletionSource held = new(), reached = new();
        node.Infer = async (request, _) =>
        {
            reached.TrySetResult();
            await held.Task;
            return new ModelInferResponse { ModelName = request.ModelName };
        };
        using AsyncUnaryCall<ModelInferResponse> first =
            world["eu-west", 0].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        await reached.Task;
        node.Infer = (request, _) => Task.FromResult(new ModelInferResponse { ModelName = request.ModelName });

        await UntilAsync(async () => !await IsServedAsync(world["eu-west", 1]), "the sibling has heard of it");
        held.SetResult();
        await first;
        await UntilAsync(() => IsServedAsync(world["eu-west", 1]), "the sibling has heard that it ended");
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (!await condition())
            Assert.False(patience.IsCancellationRequested, $"waited 30 s in vain until {what}");
    }

    private static async Task<bool> IsServedAsync(TestRouter router)
    {
        try
        {
            await router.Client.ModelInferAsync(TestWorld.Ask("ocr"));
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
        {
            return false;
        }
    }

    private static void SetTerms(TestWorld world, string terms)
    {
        world.Installation.SignAccess($$"""
            {
              "version": 2,
              "assignments": [{ "tenant": "*", "role": "admin", "regions": ["*"] }],
              "tenants": { "demo": {{terms}} }
            }
            """);
        foreach (TestRouter router in world.Routers)
            router.Services.GetRequiredService<AccessFile>().LookAgain();
    }

    private static async Task<RpcException> RefusedAsync(TestWorld world, Metadata? headers = null) =>
        await Assert.ThrowsAsync<RpcException>(
            async () => await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), headers));
}
