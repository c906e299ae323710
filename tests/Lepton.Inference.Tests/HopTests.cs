using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Hop.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using OpenInference;

namespace Lepton.Inference.Tests;

/// <summary>
/// A node takes work only from its region's routers, with their assertion, and checks residency for itself.
/// </summary>
[Collection("node")]
public sealed class HopTests(NodeFixture fixture)
{
    private static readonly ModelInferRequest Request = Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4]));

    private NodeHost Node => fixture.Node;

    [Fact]
    public async Task ModelInfer_WithoutAssertion_IsUnauthenticated() =>
        await Messages.RefusedAsync(
            Node.Client.ModelInferAsync(Request), StatusCode.Unauthenticated, "HOP_ASSERTION_INVALID");

    [Fact]
    public async Task ModelInfer_ForgedAssertions_AreUnauthenticated()
    {
        using var elsewhere = new TestInstallation();
        var (certificate, key) = elsewhere.HopSigning(NodeHost.Region);
        using var stranger = HopSigner.FromFiles(certificate, key);
        var signed = SignedHopAssertion.Parser.ParseFrom(Node.Headers("id_FP32")[0].ValueBytes);
        var claims = HopAssertion.Parser.ParseFrom(signed.Assertion);
        claims.DataClass = "eu-personal";
        signed.Assertion = claims.ToByteString(); // changed after it was signed

        await RefusedAsync(NodeHost.Headers(stranger.Sign(NodeHost.Assertion("id_FP32"))));
        await RefusedAsync(NodeHost.Headers(signed.ToByteString().ToBase64()));
        await RefusedAsync(NodeHost.Headers(Convert.ToBase64String(new byte[64])));
    }

    public static TheoryData<string> Faults => ["expired", "future", "audience", "hops", "model", "tenant"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task ModelInfer_AssertionNotForThis_IsUnauthenticated(string fault) =>
        await RefusedAsync(Node.Headers("id_FP32", assertion => Spoil(assertion, fault)));

    [Fact]
    public async Task ModelInfer_SignedByAnotherRegionsRouter_IsUnauthenticated()
    {
        var (certificate, key) = Node.Installation.HopSigning("us-east");
        using var other = HopSigner.FromFiles(certificate, key);

        await RefusedAsync(NodeHost.Headers(other.Sign(NodeHost.Assertion("id_FP32"))));
    }

    [Theory]
    [InlineData("public", "us-east", "demo")] // the assertion does not allow this region
    [InlineData("us-health", "eu-west", "demo")] // it does, the node's own policy does not
    [InlineData("no-such-class", "eu-west", "demo")]
    [InlineData("public", "eu-west", "nobody")]
    public async Task ModelInfer_RegionNotAllowed_IsRefused(string dataClass, string allowed, string tenant)
    {
        var call = Node.InferAsync(Request, change: assertion =>
        {
            assertion.DataClass = dataClass;
            assertion.Tenant = tenant;
            assertion.AllowedRegions.Clear();
            assertion.AllowedRegions.Add(allowed);
        });

        await Messages.RefusedAsync(call, StatusCode.FailedPrecondition, "REGION_NOT_ALLOWED");
    }

    [Fact]
    public async Task ModelInfer_RegulatedDataOfThisRegion_IsServed()
    {
        var answer = await Node.InferAsync(Request, change: assertion => assertion.DataClass = "eu-personal");

        Assert.Equal("id_FP32", answer.ModelName);
    }

    [Theory]
    [InlineData("tenant")]
    [InlineData("other-region")]
    [InlineData("other-service")]
    public async Task ModelInfer_CallerIsNoRouterOfTheRegion_IsDenied(string caller)
    {
        var shown = caller switch
        {
            "tenant" => Node.Installation.Tenant("demo"),
            "other-region" => Node.Installation.Service("us-east", "routing"),
            _ => Node.Installation.Service(NodeHost.Region, "inference"),
        };
        using var channel = Node.Installation.Channel(Node.Address, shown);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);

        await Messages.RefusedAsync(client.ModelInferAsync(Request, Node.Headers("id_FP32")),
            StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED");
        await Messages.RefusedAsync(client.ServerLiveAsync(new ServerLiveRequest()),
            StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED");
    }

    [Fact]
    public async Task RepositoryModelUnload_WithoutAssertion_IsUnauthenticated()
    {
        await Messages.RefusedAsync(Node.Client.RepositoryModelUnloadAsync(new() { ModelName = "id_FP32" }),
            StatusCode.Unauthenticated, "HOP_ASSERTION_INVALID");
        await Messages.RefusedAsync(
            Node.Client.RepositoryModelUnloadAsync(new() { ModelName = "id_FP32" }, Node.Headers("id_FP64")),
            StatusCode.Unauthenticated, "HOP_ASSERTION_INVALID");
        Assert.True((await Node.Client.ModelReadyAsync(new() { Name = "id_FP32" })).Ready);
    }

    [Theory]
    [InlineData("INFERENCE.grpcinferenceservice", "modelinfer", true)]
    [InlineData("inference.GRPCInferenceService", "MODELINFER", true)]
    [InlineData("inference.grpcInferenceService", "ServerMetadata", false)]
    public async Task Call_PathInAnotherCase_IsOfferedToNobody(string service, string name, bool router)
    {
        var shown = router
            ? Node.Installation.Service(NodeHost.Region, "routing")
            : Node.Installation.Tenant("demo");
        using var channel = Node.Installation.Channel(Node.Address, shown);
        var bytes = Marshallers.Create(message => message, message => message);
        var method = new Method<byte[], byte[]>(MethodType.Unary, service, name, bytes, bytes);

        using var call = channel.CreateCallInvoker().AsyncUnaryCall(
            method, null, new CallOptions(), Request.ToByteArray());

        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal("FEATURE_NOT_OFFERED", RpcErrors.ReasonOf(error));
    }

    private async Task RefusedAsync(Metadata headers) => await Messages.RefusedAsync(
        Node.Client.ModelInferAsync(Request, headers), StatusCode.Unauthenticated, "HOP_ASSERTION_INVALID");

    private static void Spoil(HopAssertion assertion, string fault)
    {
        switch (fault)
        {
            case "expired":
                assertion.IssueTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddMinutes(-2));
                assertion.ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddMinutes(-1));
                break;
            case "future":
                assertion.IssueTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddMinutes(1));
                assertion.ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddMinutes(2));
                break;
            case "audience":
                assertion.Audience = "inference-eu-west-b";
                break;
            case "hops":
                assertion.Hops = 3;
                break;
            case "model":
                assertion.Model = "id_FP64";
                break;
            default:
                assertion.Tenant = "";
                break;
        }
    }
}
