using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Routing.Tests.Regions;

public sealed class TwoRegionTests
{
    [Fact]
    public async Task ModelInfer_ModelElsewhere_GoesRouterToRouterAndIsExplainedWhole()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west", "us-east"]);
        FakeNode far = await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        TestRouter near = world["eu-west"];

        using AsyncUnaryCall<ModelInferResponse> call =
            near.Client.ModelInferAsync(TestWorld.Ask("ocr", 100_000), TestWorld.Class("atlantic"));
        Assert.Equal("ocr", (await call).ModelName);

        Metadata trailers = call.GetTrailers();
        string id = trailers.GetValue("x-lepton-decision-id")!;
        Assert.StartsWith("eu-west-", id, StringComparison.Ordinal);
        Assert.Equal(("us-east", "far"), (trailers.GetValue("x-lepton-region"), trailers.GetValue("x-lepton-node")));
        var assertion = Assert.Single(far.Assertions);
        Assert.Equal((2u, id, "tenant/demo", "atlantic"),
            (assertion.Hops, assertion.DecisionId, assertion.Principal, assertion.DataClass));

        // Asked of either router, the whole story.
        foreach (string asked in (string[])["eu-west", "us-east"])
        {
            using var channel = world.Installation.Channel(world[asked].Url, world.Installation.Tenant("demo"));
            ExplainDecisionResponse told = await new V1.RoutingService.RoutingServiceClient(channel)
                .ExplainDecisionAsync(new() { DecisionId = id });
            Decision first = told.Decision;
            if (asked == "eu-west")
            {
                Assert.Equal(("us-east", "far"), (told.RemoteDecision.Region, told.RemoteDecision.ServedBy));
                Assert.Equal("eu-west", told.RemoteDecision.OriginRegion);
                Assert.Equal(("us-east", ""), (first.Attempts[0].Region, first.Attempts[0].Node));
            }
            Assert.Equal((id, "far"), (first.Id, first.ServedBy));
        }
        Assert.Equal(0, near.Outstanding());
    }

    [Fact]
    public async Task ModelInfer_ModelHere_StaysHere()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west", "us-east"]);
        FakeNode far = await world.AddNodeAsync("us-east", "far", "ocr");
        await world.AddNodeAsync("eu-west", "near", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        for (int i = 0; i < 20; i++)
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));
        Assert.Empty(far.Assertions);
    }

    [Fact]
    public async Task ModelInfer_RouterWithoutAssertion_IsRefused()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "near", "ocr");
        using var channel = world.Installation.Channel(world["eu-west"].Url,
            world.Installation.Service("us-east", "routing"));
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(TestWorld.Ask("ocr")));
        Assert.Equal((StatusCode.Unauthenticated, "HOP_ASSERTION_INVALID"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Empty(node.Assertions);
    }

    [Theory]
    [InlineData(2u, "us-health", "FAILED_PRECONDITION/TOO_MANY_HOPS")]
    [InlineData(1u, "us-health", "FAILED_PRECONDITION/GATEWAY_NOT_ALLOWED")]
    [InlineData(1u, "secret", "INVALID_ARGUMENT/DATA_CLASS_UNKNOWN")]
    public async Task ModelInfer_AssertionAgainstOurPolicy_IsRefused(uint hops, string dataClass, string expected)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "near", "ocr");
        (string certificate, string key) = world.Installation.HopSigning("us-east");
        using HopSigner signer = HopSigner.FromFiles(certificate, key);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Hop.V1.HopAssertion assertion = new()
        {
            Principal = "tenant/demo", Tenant = "demo", DataClass = dataClass,
                DecisionId = "us-east-" + new string('0', 32),
            Attempt = 1, Hops = hops, Audience = "router/eu-west", Model = "ocr",
                AllowedRegions = { "eu-west", "us-east" },
            IssueTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(now),
            ExpireTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(now.AddSeconds(20)),
        };
        using var channel = world.Installation.Channel(world["eu-west"].Url,
            world.Installation.Service("us-east", "routing"));
        Metadata headers = new() { { HopHeader.Name, Convert.FromBase64String(signer.Sign(assertion)) } };
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(TestWorld.Ask("ocr"),
                headers));
        string status = e.StatusCode == StatusCode.FailedPrecondition ? "FAILED_PRECONDITION" : "INVALID_ARGUMENT";
        Assert.Equal(expected, $"{status}/{RpcErrors.ReasonOf(e)}");
        Assert.Empty(node.Assertions);
    }

    [Fact]
    public async Task Listings_TwoRegions_NameBothAndTheirModels()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west", "us-east"]);
        await world.AddNodeAsync("us-east", "far", "ocr", "xray");
        await world.AddNodeAsync("eu-west", "near", "ocr");
        await world.SeesAsync("eu-west", "us-east", "xray");
        var routing = world["eu-west"].Routing;

        var regions = (await routing.ListRegionsAsync(new())).Regions;
        Assert.Equal(["eu-west:True:True", "us-east:False:True"], regions.Select(r => $"{r.Name}:{r.Own}:{r.Live}"));
        Assert.True(regions[1].RoundTripTime.ToTimeSpan() > TimeSpan.Zero);

        var first = await routing.ListModelsAsync(new() { PageSize = 1 });
        Assert.Equal(("ocr", "public"), (first.Models[0].Name, first.Models[0].DataClassFloor));
        Assert.Equal(["eu-west", "us-east"], first.Models[0].Places.Select(p => p.Region));
        var second = await routing.ListModelsAsync(new() { PageSize = 1, PageToken = first.NextPageToken });
        Assert.Equal(("xray", "us-health", ""),
            (second.Models[0].Name, second.Models[0].DataClassFloor, second.NextPageToken));
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await routing.ListNodesAsync(new() { PageToken = first.NextPageToken }));
        Assert.Equal("PAGE_TOKEN_INVALID", RpcErrors.ReasonOf(e));
    }
}
