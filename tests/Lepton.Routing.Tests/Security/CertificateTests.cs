using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Security;

/// <summary>A router that takes certificates and tokens, so that a certificate is asked for and not required.</summary>
public sealed class CertificateWorld : IAsyncLifetime
{
    private TestInstallation? _issuers;
    private TestIssuer? _issuer;
    private TestWorld? _world;
    private FakeNode? _node;

    public ArrivedRequests Arrived { get; } = new();

    internal TestWorld World => _world ?? throw new InvalidOperationException("not started");

    internal FakeNode Node => _node ?? throw new InvalidOperationException("not started");

    internal TestRouter Router => World["eu-west"];

    public async Task InitializeAsync()
    {
        _issuers = new TestInstallation();
        _issuer = await TestIssuer.StartAsync(_issuers);
        _world = await TestWorld.StartAsync(["eu-west"], ["us-east"], _issuer.Configuration(),
            services => services.AddSingleton<IStartupFilter>(Arrived));
        _node = await _world.AddNodeAsync("eu-west", "node-a", "ocr");
        await Router.Client.ModelInferAsync(TestWorld.Ask("ocr"));
    }

    public async Task DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        if (_issuer is not null)
            await _issuer.DisposeAsync();
        _issuers?.Dispose();
    }
}

/// <summary>C1: who gets in to a router, and to whom a router talks, by real calls.</summary>
public sealed class CertificateTests(CertificateWorld fixture) : IClassFixture<CertificateWorld>
{
    private static DateTime Deadline => DateTime.UtcNow.AddSeconds(30);

    public static TheoryData<string> WrongOfClients => [.. WrongLeaves.OfClients];

    public static TheoryData<string> Nameless => [.. WrongLeaves.Nameless];

    public static TheoryData<string> WrongOfServers => [.. WrongLeaves.OfServers];

    private TestInstallation Installation => fixture.World.Installation;

    [Theory]
    [MemberData(nameof(WrongOfClients))]
    public async Task Calls_WrongCertificate_NeverArrive(string wrong)
    {
        using X509Certificate2 shown = WrongLeaves.Make(Installation, wrong, "tenant/demo");
        using GrpcChannel channel = WrongLeaves.Channel(Installation, fixture.Router.Url, shown);
        (int arrived, int asked) = (fixture.Arrived.Count, fixture.Node.Reached);

        // TLS 1.3 lets a client finish its handshake before the server has judged it: only a call tells.
        RpcException infer = await Assert.ThrowsAsync<RpcException>(async () =>
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(
                TestWorld.Ask("ocr"), deadline: Deadline));
        RpcException list = await Assert.ThrowsAsync<RpcException>(async () =>
            await new V1.RoutingService.RoutingServiceClient(channel).ListNodesAsync(
                new ListNodesRequest(), deadline: Deadline));

        Assert.All((RpcException[])[infer, list], e =>
        {
            Assert.Contains(e.StatusCode, (StatusCode[])[StatusCode.Unavailable, StatusCode.Internal]);
            Assert.Null(RpcErrors.ReasonOf(e)); // nothing of ours answered
        });
        Assert.Equal((arrived, asked), (fixture.Arrived.Count, fixture.Node.Reached));
    }

    [Theory]
    [MemberData(nameof(Nameless))]
    public async Task Calls_CertificateNamesNobody_AreUnauthenticated(string wrong)
    {
        using X509Certificate2 shown = WrongLeaves.Make(Installation, wrong, "tenant/demo");
        using GrpcChannel channel = WrongLeaves.Channel(Installation, fixture.Router.Url, shown);
        int asked = fixture.Node.Reached;

        RpcException infer = await Assert.ThrowsAsync<RpcException>(async () =>
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(
                TestWorld.Ask("ocr"), deadline: Deadline));
        RpcException list = await Assert.ThrowsAsync<RpcException>(async () =>
            await new V1.RoutingService.RoutingServiceClient(channel).ListNodesAsync(
                new ListNodesRequest(), deadline: Deadline));

        Assert.All((RpcException[])[infer, list], e => Assert.Equal(
            (StatusCode.Unauthenticated, "CALLER_UNKNOWN"), (e.StatusCode, RpcErrors.ReasonOf(e))));
        Assert.Equal(asked, fixture.Node.Reached);
    }

    [Theory]
    [InlineData("region/eu-west/service/cost")]
    [InlineData("region/us-east/service/inference")]
    [InlineData("tenant/demo")]
    public async Task Report_OfWrongServiceOrRegion_IsRefused(string who)
    {
        using X509Certificate2 shown = WrongLeaves.Right(Installation, who);
        using GrpcChannel channel = WrongLeaves.Channel(Installation, fixture.Router.Url, shown);

        using var call = new RegistryService.RegistryServiceClient(channel).Report(deadline: Deadline);
        RpcException e = await Assert.ThrowsAsync<RpcException>(() =>
            call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal((StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Single(fixture.Router.Snapshot.Nodes);
    }

    [Theory]
    [InlineData("region/us-east/service/inference")]
    [InlineData("region/eu-west/service/routing")]
    [InlineData("region/mars/service/routing")]
    [InlineData("tenant/demo")]
    public async Task Exchange_OfWrongServiceOrRegion_IsRefused(string who)
    {
        using X509Certificate2 shown = WrongLeaves.Right(Installation, who);
        using GrpcChannel channel = WrongLeaves.Channel(Installation, fixture.Router.Url, shown);

        using var call = new V1.RegionService.RegionServiceClient(channel).Exchange(deadline: Deadline);
        RpcException e = await Assert.ThrowsAsync<RpcException>(() =>
            call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal((StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Theory]
    [InlineData("region/eu-west/service/cost")]
    [InlineData("region/eu-west/service/routing")]
    public async Task ModelInfer_OfAServiceThatIsNoOtherRegionsRouter_IsRefused(string who)
    {
        using X509Certificate2 shown = WrongLeaves.Right(Installation, who);
        using GrpcChannel channel = WrongLeaves.Channel(Installation, fixture.Router.Url, shown);
        int asked = fixture.Node.Reached;

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(
                TestWorld.Ask("ocr"), deadline: Deadline));

        Assert.Equal((StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Equal(asked, fixture.Node.Reached);
    }

    [Theory]
    [MemberData(nameof(WrongOfServers))]
    public Task ModelInfer_NodeWithWrongCertificate_IsSentNothing(string wrong) =>
        SendsNothingAsync(WrongLeaves.Make(Installation, wrong, "region/eu-west/service/inference"));

    [Theory]
    [InlineData("region/eu-west/service/routing")]
    [InlineData("region/us-east/service/inference")]
    [InlineData("tenant/demo")]
    public Task ModelInfer_NodeWithAnothersCertificate_IsSentNothing(string who) =>
        SendsNothingAsync(WrongLeaves.Right(Installation, who));

    /// <summary>A node is registered by its rightful name and is somebody else at its address.</summary>
    private async Task SendsNothingAsync(X509Certificate2 shown)
    {
        await using Impostor impostor = new(shown);
        await using TestRouter router = await TestRouter.StartAsync(Installation, "eu-west",
            new Dictionary<string, string[]> { ["eu-west"] = [TestRouter.FreeUrl()] });
        await using FakeNode node = await FakeNode.StartAsync(
            Installation, "node-x", "eu-west", report => report.Url = impostor.Url, "xray-eu");
        await node.ReportToAsync(Installation, router.Url);

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.ModelInferAsync(TestWorld.Ask("xray-eu"), deadline: Deadline));

        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.True(impostor.Connections > 0, "the router never tried the node");
        Assert.Equal(0, impostor.Bytes);
        Assert.Equal(0, node.Reached);
    }
}
