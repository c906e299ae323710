using System.Security.Claims;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Platform.V1;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Security;

/// <summary>C6: a router tells intrusion detection what happens at its door, and obeys its locks.</summary>
public sealed class IntrusionTests : IAsyncLifetime
{
    private readonly TestInstallation authority = new();
    private TestIssuer? issuer;
    private TestWorld? world;

    private TestRouter Router => (world ?? throw new InvalidOperationException("not started"))["eu-west"];

    public async Task InitializeAsync()
    {
        issuer = await TestIssuer.StartAsync(authority);
        world = await TestWorld.StartAsync(["eu-west"], settings: new(issuer.Configuration())
        {
            ["Lepton:Tokens:Issuers:0:AuthorityFile"] = authority.AuthorityFile,
        });
        world.Installation.SignAccess("""
            {
              "version": 2,
              "assignments": [
                { "tenant": "other", "role": "auditor", "regions": ["*"], "allTenants": true },
                { "principal": "test/bert", "role": "service", "regions": ["*"] }
              ],
              "tenants": {}
            }
            """);
        Router.Services.GetRequiredService<AccessFile>().LookAgain();
    }

    public async Task DisposeAsync()
    {
        if (world is not null)
            await world.DisposeAsync();
        if (issuer is not null)
            await issuer.DisposeAsync();
        authority.Dispose();
    }

    [Fact]
    public async Task Probing_APersonAsksForAllThatItMayNot_IsLockedOutAndAuditorsSeeWhy()
    {
        await UntilAsync(async () => (await ProbeAsync("ada")).Contains("PRINCIPAL_LOCKED"));

        Assert.All(await ProbeAsync("ada"), reason => Assert.Equal("PRINCIPAL_LOCKED", reason));
        Assert.Contains("CALLER_NOT_ALLOWED", await ProbeAsync("carla")); // only who did it
        using GrpcChannel channel = world!.Installation.Channel(Router.Url, world.Installation.Tenant("other"));
        ListAlertsResponse alerts = await new SecurityService.SecurityServiceClient(channel)
            .ListAlertsAsync(new ListAlertsRequest { Rule = "privilege-probing", Principal = "test/ada" });
        SecurityAlert alert = Assert.Single(alerts.Alerts);
        Assert.Equal(("privilege-probing", "demo", "eu-west"), (alert.Rule, alert.Tenant, alert.Region));
        Assert.NotNull(alert.LockedUntilTime);
    }

    [Fact]
    public async Task Probing_AProgramWithACertificate_IsToldAndNeverLocked()
    {
        using GrpcChannel channel = world!.Installation.Channel(Router.Url, world.Installation.Tenant("demo"));
        using GrpcChannel auditor = world.Installation.Channel(Router.Url, world.Installation.Tenant("other"));

        await UntilAsync(async () =>
        {
            await ProbeAsync(channel, []);
            return (await new SecurityService.SecurityServiceClient(auditor).ListAlertsAsync(new ListAlertsRequest()))
                .Alerts.Any(a => a.Principal == "tenant/demo");
        });

        Assert.All(await ProbeAsync(channel, []), reason => Assert.Equal("CALLER_NOT_ALLOWED", reason));
    }

    [Fact]
    public async Task UsualWork_ManyCalls_RaisesNothing()
    {
        using GrpcChannel channel = world!.Installation.Channel(Router.Url, null);
        Metadata headers = Headers("bert");
        for (int i = 0; i < 200; i++)
            await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ServerLiveAsync(new(), headers);
        using GrpcChannel auditor = world.Installation.Channel(Router.Url, world.Installation.Tenant("other"));

        ListAlertsResponse alerts = await new SecurityService.SecurityServiceClient(auditor)
            .ListAlertsAsync(new ListAlertsRequest());

        Assert.Empty(alerts.Alerts);
    }

    private async Task<List<string?>> ProbeAsync(string subject)
    {
        using GrpcChannel channel = world!.Installation.Channel(Router.Url, null);
        return await ProbeAsync(channel, Headers(subject));
    }

    private static async Task<List<string?>> ProbeAsync(GrpcChannel channel, Metadata headers)
    {
        V1.RoutingService.RoutingServiceClient routing = new(channel);
        GRPCInferenceService.GRPCInferenceServiceClient inference = new(channel);
        List<string?> reasons = [];
        foreach (Func<Task> call in (Func<Task>[])
        [
            async () => await routing.ListNodesAsync(new(), headers),
            async () => await routing.ListModelsAsync(new(), headers),
            async () => await routing.ExplainDecisionAsync(new(), headers),
            async () => await routing.PlanRouteAsync(new(), headers),
            async () => await routing.DrainNodeAsync(new(), headers),
            async () => await inference.RepositoryModelLoadAsync(new(), headers),
            async () => await new SecurityService.SecurityServiceClient(channel).ListAlertsAsync(new(), headers),
        ])
            reasons.Add(RpcErrors.ReasonOf(await Assert.ThrowsAsync<RpcException>(call)));
        return reasons;
    }

    private Metadata Headers(string subject) => new()
    {
        {
            "authorization", "Bearer " + issuer!.Token("demo", t => t.Subject = new ClaimsIdentity(
            [
                new Claim("sub", subject), new Claim("tenant", "demo"), new Claim("jti", Guid.NewGuid().ToString("N")),
                new Claim("sid", $"session-of-{subject}"),
            ]))
        },
    };

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (!await condition())
            Assert.False(patience.IsCancellationRequested, "waited 30 s in vain");
    }
}
