using Grpc.Core;
using Lepton.Routing.Decisions;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

public sealed class InferTests
{
    [Fact]
    public async Task ModelInfer_OneNode_AnswersAndSaysWhoServedAndWhy()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");

        using AsyncUnaryCall<ModelInferResponse> call =
            world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr", 300_000),
            TestWorld.Class("eu-personal"));
        ModelInferResponse answer = await call;

        Assert.Equal("id-1", answer.Id);
        Metadata trailers = call.GetTrailers();
        Assert.Equal("eu-west", trailers.GetValue("x-lepton-region"));
        Assert.Equal("node-a", trailers.GetValue("x-lepton-node"));
        Assert.Equal("cpu", trailers.GetValue("x-lepton-provider"));
        string id = trailers.GetValue("x-lepton-decision-id")!;
        Assert.Matches("^eu-west-[0-9a-f]{32}$", id);

        var assertion = Assert.Single(node.Assertions);
        Assert.Equal(("tenant/demo", "demo", "eu-personal", id, 1u, 1u, "node-a", "ocr", true, "realtime"),
            (assertion.Principal, assertion.Tenant, assertion.DataClass, assertion.DecisionId, assertion.Attempt,
                assertion.Hops, assertion.Audience, assertion.Model, assertion.Regulated, assertion.Priority));
        Assert.Equal(["eu-west"], assertion.AllowedRegions);

        Decision decision = (await world["eu-west"].Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision;
        Attempt attempt = Assert.Single(decision.Attempts);
        Assert.Equal(("node-a", 0, "guarded", "3"),
            (attempt.Node, decision.StatusCode, decision.Strategy, decision.PolicyVersion));
        Assert.Equal("header", Assert.Single(decision.DataClassSources));
        Assert.True(attempt.Candidates[0].Weight > 0 && attempt.Candidates[0].Score > 0);
        Assert.True(decision.RequestBytesRead > 300_000);
    }

    [Fact]
    public async Task ModelInfer_WrongGateway_IsRefusedUnreadNamingTheAllowed()
    {
        await using TestWorld world = await TestWorld.StartAsync(["us-east"], absent: ["eu-west"]);
        FakeNode node = await world.AddNodeAsync("us-east", "node-a", "ocr");

        using AsyncUnaryCall<ModelInferResponse> call = world["us-east"].Client.ModelInferAsync(
            TestWorld.Ask("ocr", 5_000_000), TestWorld.Class("eu-personal"));
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal((StatusCode.FailedPrecondition, "GATEWAY_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Contains("eu-west (https://", e.Status.Detail, StringComparison.Ordinal);
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        Decision decision = (await world["us-east"].Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision;
        Assert.Equal((0ul, "GATEWAY_NOT_ALLOWED", 9),
            (decision.RequestBytesRead, decision.Reason, decision.StatusCode));
        Assert.Empty(node.Received);
    }

    [Theory]
    [InlineData("ocr", "secret", StatusCode.InvalidArgument, "DATA_CLASS_UNKNOWN")]
    [InlineData("ocr", "us-health+eu-personal", StatusCode.FailedPrecondition, "NO_REGION_ALLOWED")]
    [InlineData("xray", "public", StatusCode.FailedPrecondition, "GATEWAY_NOT_ALLOWED")]
    [InlineData("nothing", "eu-personal", StatusCode.NotFound, "MODEL_UNKNOWN")]
    [InlineData("nothing", "public", StatusCode.Unavailable, "NO_NODE_AVAILABLE")] // us-east may have it: not heard of
    [InlineData("", "public", StatusCode.InvalidArgument, "FIELD_INVALID")]
    public async Task ModelInfer_NotAllowed_IsRefusedWithItsReason(string model, string dataClass, StatusCode code,
        string reason)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr", "xray");

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask(model), TestWorld.Class(dataClass)));

        Assert.Equal((code, reason), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Empty(node.Assertions);
    }

    [Fact]
    public async Task ModelInfer_NoNodeAlive_IsUnavailableWithRetryInfo()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        await node.KillAsync();
        await world["eu-west"].UntilAsync(s => s.Nodes[0].State == NodeState.Out, "the node is out");

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")));

        Assert.Equal((StatusCode.Unavailable, "NO_NODE_AVAILABLE"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Contains(RpcErrors.DetailsOf(e)!.Details, d => d.Is(Google.Rpc.RetryInfo.Descriptor));
    }

    [Fact]
    public async Task ModelInfer_UnknownTenant_IsDenied()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        using var channel = world.Installation.Channel(world["eu-west"].Url, world.Installation.Tenant("stranger"));
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(TestWorld.Ask("ocr")));
        Assert.Equal((StatusCode.PermissionDenied, "TENANT_UNKNOWN"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Fact]
    public async Task ModelInfer_MetadataAndDeadline_ReachTheNode_SecretsDoNot()
    {
        using TestInstallation authority = new();
        await using TestIssuer issuer = await TestIssuer.StartAsync(authority);
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: new(issuer.Configuration())
        {
            ["Lepton:Tokens:Issuers:0:AuthorityFile"] = authority.AuthorityFile,
        });
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        Metadata headers = new()
        {
            { "authorization", $"Bearer {issuer.Token("demo")}" },
            { "x-custom", "kept" }, { "x-bytes-bin", new byte[] { 1, 2, 255 } },
            { "x-lepton-hop-bin", new byte[] { 1, 2, 3 } }, { "x-lepton-priority", "batch" },
        };
        await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), headers, DateTime.UtcNow.AddSeconds(30));

        Metadata got = Assert.Single(node.Received);
        Assert.Null(got.GetValue("authorization"));
        Assert.Equal("kept", got.GetValue("x-custom"));
        Assert.Equal([1, 2, 255], got.GetValueBytes("x-bytes-bin"));
        var assertion = Assert.Single(node.Assertions);
        Assert.Equal("batch", assertion.Priority);
        Assert.InRange((assertion.Deadline.ToDateTimeOffset() - DateTimeOffset.UtcNow).TotalSeconds, 20, 30);
    }

    [Theory]
    [InlineData(1, 20_000, true)]
    [InlineData(70, 200, true)]
    [InlineData(1, 26_000, false)]
    [InlineData(85, 10, false)]
    public async Task ModelInfer_MuchMetadata_GoesOnWholeOrIsRefusedAndNoNodeIsToBlame(int count, int length, bool fits)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        Metadata headers = [];
        for (int i = 0; i < count; i++)
            headers.Add($"x-{i}", new string('v', length));
        Task<ModelInferResponse> Send() =>
            world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), headers).ResponseAsync;

        for (int i = 0; i < 10; i++) // more than would open a circuit
            if (fits)
                await Send();
            else
                Assert.Equal("METADATA_INVALID", RpcErrors.ReasonOf(await Assert.ThrowsAsync<RpcException>(Send)));

        Assert.Equal(fits ? 10 : 0, node.Served);
        await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        Assert.True(world["eu-west"].Snapshot.Nodes.Single().State == V1.NodeState.Serving);
    }

    [Theory]
    [InlineData("x-lepton-strategy", "best")]
    [InlineData("x-lepton-priority", "urgent")]
    [InlineData("x-lepton-data-class", "")]
    public async Task ModelInfer_BadMetadata_IsNamed(string key, string value)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), new Metadata { { key, value } }));
        Assert.Equal((StatusCode.InvalidArgument, "METADATA_INVALID"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Contains(key, e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelInfer_TooLarge_IsResourceExhausted()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:MessageBytesMax"] = "10000" });
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr", 20_000)));
        Assert.Equal((StatusCode.ResourceExhausted, "MESSAGE_TOO_LARGE"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Fact]
    public async Task ModelInfer_Compressed_IsUnimplementedAndOffersIdentity()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(
            TestWorld.Ask("ocr", 1000), new Metadata { { "grpc-internal-encoding-request", "gzip" } });
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((StatusCode.Unimplemented, "ENCODING_NOT_OFFERED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Fact]
    public async Task ModelInfer_DecisionDiskFull_RefusesRegulatedAndServesTheRest()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], change: services =>
            services.AddSingleton(s => new SegmentStore(
                s.GetRequiredService<IOptions<RoutingOptions>>().Value, TimeProvider.System, _ => new FileStream(
                    "/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))));
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal")));
        Assert.Equal((StatusCode.Unavailable, "DECISION_LOG_UNAVAILABLE"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Empty(node.Assertions);
        Assert.Equal(0, world["eu-west"].Outstanding());

        Assert.Equal("ocr", (await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"))).ModelName);
    }
}
