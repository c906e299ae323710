using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using OpenInference;

namespace Lepton.Inference.Tests;

/// <summary>C1: who gets in to a node, by real calls with an assertion that is good.</summary>
[Collection("node")]
public sealed class CertificateTests(NodeFixture fixture)
{
    private const string Model = "id_FP64";
    private const string Router = "region/eu-west/service/routing";

    public static TheoryData<string> WrongOfClients => [.. WrongLeaves.OfClients];

    public static TheoryData<string> Nameless => [.. WrongLeaves.Nameless];

    private NodeHost Node => fixture.Node;

    [Theory]
    [MemberData(nameof(WrongOfClients))]
    public async Task ModelInfer_WrongCertificate_NeverArrives(string wrong)
    {
        var e = await RefusedAsync(wrong, Router);

        Assert.Contains(e.StatusCode, (StatusCode[])[StatusCode.Unavailable, StatusCode.Internal]);
        Assert.Null(RpcErrors.ReasonOf(e)); // nothing of ours answered
    }

    [Theory]
    [MemberData(nameof(Nameless))]
    public async Task ModelInfer_CertificateNamesNobody_IsUnauthenticated(string wrong)
    {
        var e = await RefusedAsync(wrong, Router);

        Assert.Equal((StatusCode.Unauthenticated, "CALLER_UNKNOWN"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Theory]
    [InlineData("region/eu-west/service/inference")]
    [InlineData("region/us-east/service/routing")]
    [InlineData("tenant/demo")]
    public async Task ModelInfer_OfWrongServiceOrRegion_IsRefused(string who)
    {
        var e = await RefusedAsync("", who);

        Assert.Equal((StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    /// <summary>The same call is served with the right certificate, and was counted by the model then only.</summary>
    private async Task<RpcException> RefusedAsync(string wrong, string who)
    {
        var request = Messages.Request(Model, ("x", "FP64", [1], new byte[8]));
        using var shown = WrongLeaves.Make(Node.Installation, wrong, who);
        using var right = WrongLeaves.Right(Node.Installation, Router);
        var deadline = DateTime.UtcNow.AddSeconds(30);
        var before = Taken();

        RpcException e;
        using (var channel = WrongLeaves.Channel(Node.Installation, Node.Address, shown))
            e = await Assert.ThrowsAsync<RpcException>(async () =>
                await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(
                    request, Node.Headers(Model), deadline));
        Assert.Equal(before, Taken());

        using (var channel = WrongLeaves.Channel(Node.Installation, Node.Address, right))
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(
                request, Node.Headers(Model), deadline);
        Assert.Equal(before + 1, Taken());
        return e;
    }

    private long Taken()
    {
        var counted = fixture.Repository.Find(Model, "").Statistics.Snapshot();
        return (long)(counted.Success.Count + counted.Fail.Count);
    }
}
