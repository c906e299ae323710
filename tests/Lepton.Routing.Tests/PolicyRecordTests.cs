using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests;

/// <summary>S6, P3: the residency policy of a record takes the file's place in a running router.</summary>
public sealed class PolicyRecordTests
{
    // One more region, which comes before the others by name; eu-personal moves away from eu-west.
    private const string Next = """
        {
          "version": 4,
          "dataClasses": {
            "ap-only": { "regions": ["ap-south"] },
            "public": { "regions": ["*"] },
            "eu-personal": { "regions": ["us-east"], "regulated": true },
            "atlantic": { "regions": ["us-east", "eu-west"], "regulated": true }
          },
          "tenants": { "demo": { "floor": "public" } },
          "models": { "default": { "floor": "public" } }
        }
        """;

    [Fact]
    public async Task Take_NewerPolicy_HoldsForTheNextRequest()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));
        Assert.Equal("INVALID_ARGUMENT DATA_CLASS_UNKNOWN", await RefusalAsync(router, "ap-only"));

        Take(router, 4, Next);

        Assert.Equal("FAILED_PRECONDITION GATEWAY_NOT_ALLOWED", await RefusalAsync(router, "eu-personal"));
        Assert.Equal("FAILED_PRECONDITION NO_REGION_ALLOWED", await RefusalAsync(router, "ap-only"));
        Assert.Equal("INVALID_ARGUMENT DATA_CLASS_UNKNOWN", await RefusalAsync(router, "us-health"));
        // What was allowed before and still is goes to the same node: regions have kept their places.
        foreach (string still in (string[])["public", "atlantic"])
        {
            using AsyncUnaryCall<ModelInferResponse> call =
                router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class(still));
            await call;
            string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
            var decision = (await router.Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision;
            Assert.Equal(("4", "node-a"), (decision.PolicyVersion, decision.ServedBy));
            Assert.Equal(["eu-west", "us-east"], decision.AllowedRegions);
        }
    }

    [Fact]
    public async Task Take_WhileAStreamIsOpen_EndsItWithTheNextMessage()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        using var stays = router.Client.ModelStreamInfer(TestWorld.Class("atlantic"));
        using var ends = router.Client.ModelStreamInfer(TestWorld.Class("eu-personal"));
        foreach (var call in (AsyncDuplexStreamingCall<ModelInferRequest, ModelStreamInferResponse>[])[stays, ends])
        {
            await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
            Assert.True(await call.ResponseStream.MoveNext());
        }

        Take(router, 4, Next);

        await stays.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
        Assert.True(await stays.ResponseStream.MoveNext());
        await ends.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => ends.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.FailedPrecondition, "GATEWAY_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Theory]
    [InlineData("\"version\": 4", "\"version\": 5", "says version 5 and is signed as version 4")]
    [InlineData("\"floor\": \"public\" } },\n  \"models\"", "\"floor\": \"none\" } },\n  \"models\"",
        "tenants.demo.floor takes one of the data classes")]
    [InlineData("\"regulated\": true", "\"regulated\": 1", "regulated takes true or false")]
    public async Task Take_BadPolicy_IsRefusedAndTheOneBeforeStays(string good, string bad, string why)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        string policy = Next.Replace(good, bad, StringComparison.Ordinal);
        Assert.NotEqual(Next, policy);

        ControlContentException e = Assert.Throws<ControlContentException>(() => Take(router, 4, policy));

        Assert.Contains(why, e.Message, StringComparison.Ordinal);
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));
    }

    [Fact]
    public async Task ModelInfer_PolicyTooOld_RefusesRegulatedClassesAndServesOthers()
    {
        bool tooOld = false;
        ControlAge age = new();
        age.Follow(() => TimeSpan.FromHours(25), () => tooOld);
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west"], absent: ["us-east"], change: services => services.AddSingleton(age));
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));

        tooOld = true;

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal")));
        Assert.Equal((StatusCode.Unavailable, "POLICY_TOO_OLD"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("public"));

        tooOld = false; // confirmed again
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));
    }

    [Fact]
    public async Task Take_OrderWithAPilotElsewhere_GoesByTheVersionOfItsOwnRegion()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], absent: ["us-east"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        string stays = Next.Replace("\"us-east\"], \"regulated\": true },\n    \"atlantic", "\"eu-west\"], "
            + "\"regulated\": true },\n    \"atlantic", StringComparison.Ordinal);
        string pilot = Next.Replace("\"version\": 4", "\"version\": 5", StringComparison.Ordinal);

        Take(router, 6, Order(6, ("*", 4, stays), ("us-east", 5, pilot)));
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));

        Take(router, 7, Order(7, ("*", 4, stays), ("eu-west", 5, pilot)));
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal")));

        // R5, C3: refused by which rule of which version; and the decision log has it.
        Assert.Equal("GATEWAY_NOT_ALLOWED", RpcErrors.ReasonOf(e));
        var metadata = RpcErrors.InfoOf(RpcErrors.DetailsOf(e))!.Metadata;
        Assert.Equal(("class.eu-personal", "5"), (metadata["rule_id"], metadata["policy_version"]));
        var decision = (await router.Routing.ExplainDecisionAsync(
            new() { DecisionId = e.Trailers.GetValue("x-lepton-decision-id") })).Decision;
        Assert.Equal(("class.eu-personal", "5", 7L),
            (decision.RuleId, decision.PolicyVersion, decision.PolicyOrder));
        Assert.NotEmpty(decision.RuleSource);
    }

    private static string Order(long version, params (string Region, long Version, string Policy)[] active) =>
        Encoding.UTF8.GetString(new ActivationOrder(version,
            active.ToDictionary(a => a.Region, a => a.Version),
            active.ToDictionary(a => a.Version, a => new PolicyApproval(
                $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(a.Policy.Trim())))}", "anna",
                "bert", DateTimeOffset.UnixEpoch, IsSeed: false)),
            active.ToDictionary(a => a.Version,
                a => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(a.Policy.Trim()))).Write().Span);

    private static void Take(TestRouter router, long version, string policy) =>
        router.Services.GetServices<ControlTarget>().Single(t => t.Key == ControlData.PolicyKey).Take(
            new SignedContent(ControlData.PolicyKey, version, DateTimeOffset.UtcNow, Encoding.UTF8.GetBytes(policy),
                default));

    private static async Task<string> RefusalAsync(TestRouter router, string dataClass)
    {
        RpcException e = await Assert.ThrowsAsync<RpcException>(
            async () => await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class(dataClass)));
        string status = e.StatusCode == StatusCode.InvalidArgument ? "INVALID_ARGUMENT" : "FAILED_PRECONDITION";
        Assert.True(e.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition, e.Message);
        return $"{status} {RpcErrors.ReasonOf(e)}";
    }
}
