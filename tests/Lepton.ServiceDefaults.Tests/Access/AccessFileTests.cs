using System.Net;
using System.Text;
using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults.Tests.Access;

/// <summary>C2: the signed file decides, here over real sockets; what is not signed rightly changes nothing.</summary>
[Collection("server")]
public sealed class AccessFileTests : IDisposable
{
    private readonly TestInstallation installation = new();
    private int signings;

    public void Dispose() => installation.Dispose();

    [Fact]
    public async Task Call_RoleInAnotherRegion_IsDeniedAndSaysWhereItHolds()
    {
        installation.SignAccess(Document(1, """{ "tenant": "apac", "role": "viewer", "regions": ["ap-southeast"] }"""));
        await using var app = await StartAsync();

        var denied = await Assert.ThrowsAsync<RpcException>(() => ListAsync(app, "apac"));

        Assert.Equal((StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED"),
            (denied.StatusCode, RpcErrors.ReasonOf(denied)));
        Assert.Contains("NODES_READ in eu-west; tenant/apac holds it in ap-southeast", denied.Status.Detail,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_NewFile_HoldsAtOnceWithoutRestart()
    {
        installation.SignAccess(Document(1, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        await using var app = await StartAsync();
        await ListAsync(app, "a");

        installation.SignAccess(Document(2, """{ "tenant": "b", "role": "viewer", "regions": ["*"] }"""));
        app.Services.GetRequiredService<AccessFile>().LookAgain();

        await ListAsync(app, "b");
        await Assert.ThrowsAsync<RpcException>(() => ListAsync(app, "a"));
    }

    public static TheoryData<string> Bad => ["forged", "other authority", "wrong use", "older", "damaged", "gone"];

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task LookAgain_BadFile_ChangesNothing(string how)
    {
        installation.SignAccess(Document(5, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        await using var app = await StartAsync();

        Spoil(how);
        app.Services.GetRequiredService<AccessFile>().LookAgain();

        Assert.Equal(5, app.Services.GetRequiredService<AccessFile>().Current.Version);
        await ListAsync(app, "a");
        await Assert.ThrowsAsync<RpcException>(() => ListAsync(app, "b"));
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task Start_BadFile_Fails(string how)
    {
        if (how == "older")
            return; // than nothing
        installation.SignAccess(Document(5, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        Spoil(how);
        await Assert.ThrowsAsync<AccessFileException>(StartAsync);
    }

    [Fact]
    public async Task Use_NewerThanTheFile_HoldsUntilTheFileIsAsNew()
    {
        installation.SignAccess(Document(5, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        await using var app = await StartAsync();
        var access = app.Services.GetRequiredService<AccessFile>();

        access.Use(Encoding.UTF8.GetBytes(
            Document(6, """{ "tenant": "b", "role": "viewer", "regions": ["*"] }""")), 6);

        await ListAsync(app, "b");
        await Assert.ThrowsAsync<RpcException>(() => ListAsync(app, "a"));

        // Signed anew, as a renewed certificate brings it: still the older one, and no fault.
        Resign(Document(5, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        access.LookAgain();
        Assert.Equal(6, access.Current.Version);

        Resign(Document(7, """{ "tenant": "c", "role": "viewer", "regions": ["*"] }"""));
        access.LookAgain();
        Assert.Equal(7, access.Current.Version);
        await ListAsync(app, "c");
    }

    [Theory]
    [InlineData("{}", 6, "version")]
    [InlineData("nonsense", 6, "")]
    [InlineData("{ \"version\": 8, \"assignments\": [], \"tenants\": {} }", 6, "says version 8 and came as version 6")]
    public async Task Use_Bad_ChangesNothingAndSaysWhy(string json, long version, string why)
    {
        installation.SignAccess(Document(5, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        await using var app = await StartAsync();
        var access = app.Services.GetRequiredService<AccessFile>();

        var refused = Assert.Throws<AccessFileException>(() => access.Use(Encoding.UTF8.GetBytes(json), version));

        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Equal(5, access.Current.Version);
        await ListAsync(app, "a");
    }

    [Fact]
    public async Task Call_RolesTooOld_NothingIsManagedAndTheRestGoesOn()
    {
        installation.SignAccess(Document(5, """{ "tenant": "a", "role": "operator", "regions": ["*"] }"""));
        await using var app = await StartAsync();
        using var channel = installation.Channel(app.Urls.Single(), installation.Tenant("a"));
        RoutingService.RoutingServiceClient client = new(channel);
        var before = await Assert.ThrowsAsync<RpcException>(
            async () => await client.DrainNodeAsync(new DrainNodeRequest()));
        Assert.Equal(StatusCode.Unimplemented, before.StatusCode); // it came as far as the test's service

        app.Services.GetRequiredService<AccessFile>().IsTooOld = () => true;

        var refused = await Assert.ThrowsAsync<RpcException>(
            async () => await client.DrainNodeAsync(new DrainNodeRequest()));
        Assert.Equal((StatusCode.Unavailable, "ACCESS_TOO_OLD"), (refused.StatusCode, RpcErrors.ReasonOf(refused)));
        await ListAsync(app, "a");
    }

    [Fact]
    public async Task WhoAmI_Person_HearsRolesAndWhatTheyHoldHere()
    {
        installation.SignAccess(Document(7,
            """{ "tenant": "a", "role": "service", "regions": ["eu-west"] }""",
            """{ "tenant": "a", "role": "operator", "regions": ["us-east"] }"""));
        await using var app = await StartAsync();
        using var channel = installation.Channel(app.Urls.Single(), installation.Tenant("a"));

        var me = await new Platform.V1.AccessService.AccessServiceClient(channel).WhoAmIAsync(new WhoAmIRequest());

        Assert.Equal(("tenant/a", "a", "eu-west", 7), (me.Principal, me.Tenant, me.Region, me.AccessVersion));
        Assert.Equal(Roles.All["service"].Each(), me.Permissions);
        Assert.Equal([("service", "eu-west"), ("operator", "us-east")],
            me.Roles.Select(r => (r.Role, r.Regions.Single())));
    }

    [Theory]
    [InlineData("/metrics", HttpStatusCode.Forbidden)]
    [InlineData("/health/live", HttpStatusCode.OK)]
    [InlineData("/elsewhere", HttpStatusCode.NotFound)]
    public async Task Get_TenantWithoutTheRole_HearsItInHttp(string path, HttpStatusCode expected)
    {
        installation.SignAccess(Document(1, """{ "tenant": "a", "role": "viewer", "regions": ["*"] }"""));
        await using var app = await StartAsync();
        using var client = new HttpClient(installation.Handler(installation.Tenant("a")));

        using var answer = await client.GetAsync(app.Urls.Single() + path);

        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task Start_RpcThatDeclaresNothing_Fails()
    {
        var builder = Builder();
        await using var app = builder.Build();

        var refused = Assert.Throws<InvalidOperationException>(() => app.MapServiceDefaults(
            ServerFixture.NoOthers, OpenInference.GRPCInferenceService.Descriptor));

        Assert.Contains("/inference.GRPCInferenceService/ServerLive declares nobody", refused.Message,
            StringComparison.Ordinal);
    }

    private void Resign(string document)
    {
        installation.SignAccess(document);
        File.SetLastWriteTimeUtc(installation.AccessFile, // the clock of a file system may be coarse
            DateTime.UnixEpoch.AddDays(++signings));
    }

    private void Spoil(string how)
    {
        var wider = Document(6, """{ "tenant": "b", "role": "admin", "regions": ["*"] }""");
        switch (how)
        {
            case "forged":
                var parts = File.ReadAllText(installation.AccessFile).Split('.');
                installation.SignAccess(wider);
                var other = File.ReadAllText(installation.AccessFile).Split('.');
                File.WriteAllText(installation.AccessFile, $"{parts[0]}.{other[1]}.{parts[2]}");
                break;
            case "other authority":
                using (var foreign = new TestInstallation())
                    installation.SignAccess(wider, foreign.Issue(
                        "access", "spiffe://lepton.local/access", ["1.3.6.1.4.1.59999.1.2"]));
                break;
            case "wrong use":
                installation.SignAccess(wider, installation.HopSigning("eu-west"));
                break;
            case "older":
                installation.SignAccess(Document(4, """{ "tenant": "b", "role": "admin", "regions": ["*"] }"""));
                break;
            case "damaged":
                File.WriteAllText(installation.AccessFile, "e30.e30.e30");
                break;
            case "gone":
                File.Delete(installation.AccessFile);
                break;
            default:
                throw new ArgumentException(how);
        }
        if (File.Exists(installation.AccessFile)) // the clock of a file system may be coarse
            File.SetLastWriteTimeUtc(installation.AccessFile, DateTime.UtcNow.AddSeconds(5));
    }

    private async Task ListAsync(WebApplication app, string tenant)
    {
        using var channel = installation.Channel(app.Urls.Single(), installation.Tenant(tenant));
        await new RoutingService.RoutingServiceClient(channel).ListNodesAsync(new ListNodesRequest());
    }

    private WebApplicationBuilder Builder()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", "routing"));
        builder.AddServiceDefaults("routing");
        return builder;
    }

    private async Task<WebApplication> StartAsync()
    {
        var app = Builder().Build();
        app.MapServiceDefaults(ServerFixture.NoOthers, RoutingService.Descriptor);
        app.MapGrpcService<ServerFixture.Answers>();
        await app.StartAsync();
        return app;
    }

    private static string Document(int version, params string[] assignments) =>
        $$"""{ "version": {{version}}, "assignments": [{{string.Join(',', assignments)}}], "tenants": {} }""";
}
