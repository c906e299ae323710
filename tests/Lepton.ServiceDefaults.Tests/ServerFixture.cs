using Grpc.Core;
using Grpc.Health.V1;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>A real server with the defaults: RegionService throws as told, RoutingService says who called.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private WebApplication? app;

    public TestInstallation Installation { get; } = new();

    internal static readonly Dictionary<string, AccessRule> NoOthers = [];

    public string Address { get; private set; } = "";

    public HealthStatus Health { get; set; } = HealthStatus.Healthy;

    public async Task InitializeAsync()
    {
        Installation.SignAccess("""
            {
              "version": 1,
              "assignments": [
                { "tenant": "*", "role": "viewer", "regions": ["*"] },
                { "tenant": "*", "role": "service", "regions": ["*"] }
              ],
              "tenants": {}
            }
            """);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(Installation.Configuration("eu-west", "routing"));
        builder.Configuration["Lepton:Reflection"] = "true";
        builder.AddServiceDefaults("routing");
        builder.Services.AddHealthChecks().AddCheck("own", () => new HealthCheckResult(Health));
        app = builder.Build();
        app.MapServiceDefaults(NoOthers, RoutingService.Descriptor);
        app.MapGrpcService<Answers>();
        await app.StartAsync();
        Address = app.Urls.Single();
    }

    public async Task DisposeAsync()
    {
        if (app is not null)
            await app.DisposeAsync();
        Installation.Dispose();
    }

    internal sealed class Answers : RoutingService.RoutingServiceBase
    {
        public override Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context) =>
            Task.FromResult(new ListNodesResponse { NextPageToken = context.GetCaller().Principal });

        public override Task<ListRegionsResponse> ListRegions(ListRegionsRequest request, ServerCallContext context)
        {
            context.RequireService("routing", "us-east");
            return Task.FromResult(new ListRegionsResponse());
        }

        public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) =>
            throw new InvalidOperationException("secret text");

        public override async Task<PlanRouteResponse> PlanRoute(PlanRouteRequest request, ServerCallContext context)
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new PlanRouteResponse();
        }
    }
}

[CollectionDefinition("server")]
public sealed class ServerCollection : ICollectionFixture<ServerFixture>;
