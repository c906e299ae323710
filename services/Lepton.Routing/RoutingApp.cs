using System.Security.Cryptography;
using Lepton.Compliance.Client.Intrusion;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Draining;
using Lepton.Routing.Gateway;
using Lepton.Routing.Health;
using Lepton.Routing.Listing;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Lepton.Routing.Resilience;
using Lepton.Routing.Scaling;
using Lepton.Routing.Security;
using Lepton.Routing.Tenants;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Routing;

/// <summary>The parts of the router and how they are put together.</summary>
internal static class RoutingApp
{
    private static readonly TimeSpan ExitMargin = TimeSpan.FromSeconds(5);

    public static IServiceCollection AddRouter(this IServiceCollection services)
    {
        services.AddChecked<RoutingOptions>(RoutingOptions.Section, RoutingRules.FaultsOf);
        services.AddSingleton(s => Topology.Load(
            s.GetRequiredService<IOptions<ServiceOptions>>(), s.GetRequiredService<IOptions<RoutingOptions>>(),
            s.GetRequiredService<IConfiguration>(), s.GetService<ControlAge>()));
        services.AddSingleton<ControlTarget>(s => s.GetRequiredService<Topology>().PolicyRecord);
        services.AddSingleton<IHostedService>(s => ControlDay.Of(
            s.GetRequiredService<Topology>().PolicyRecord, p => p.Today(), s));
        services.AddSingleton(s => HopSigner.Following(
            s.GetRequiredService<TlsMaterial>(),
            s.GetRequiredService<IOptions<RoutingOptions>>().Value.HopCertificateFile,
            s.GetRequiredService<IOptions<RoutingOptions>>().Value.HopKeyFile));
        services.AddSingleton<HopSealer>();
        services.AddSingleton(_ => new ChanceSource(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))));
        services.AddSingleton<RoutingMetrics>();
        services.AddSingleton<PeerPool>();
        services.AddIntrusion();
        services.AddSingleton<ICallerWatch, IntrusionWatch>();
        services.AddSingleton<RegulatedAudit>();
        return services.AddRegistry().AddDecisions().AddGateway().AddScaling().AddDraining();
    }

    public static WebApplication MapRouter(this WebApplication app)
    {
        // A router without its policy or its signing key must not come up: what is built here fails the start.
        app.Services.GetRequiredService<Topology>();
        app.Services.GetRequiredService<HopSigner>();
        app.Services.GetRequiredService<RegistryMetrics>();
        app.Services.GetRequiredService<HealthReporter>();
        app.Services.GetRequiredService<RouterReady>(); // its clock runs from now on
        app.MapServiceDefaults(
            GatewayAccess.Rules.Concat(KedaScaler.Rules).ToDictionary(),
            OpenInference.GRPCInferenceService.Descriptor, V1.RoutingService.Descriptor,
            V1.RegistryService.Descriptor, V1.RegionService.Descriptor, Platform.V1.SecurityService.Descriptor,
            Externalscaler.ExternalScaler.Descriptor);
        app.MapGrpcService<Registry.RegistryService>();
        app.MapGrpcService<Regions.RegionService>();
        app.MapGrpcService<RoutingService>();
        app.MapGrpcService<KedaScaler>();
        AccessFile access = app.Services.GetRequiredService<AccessFile>();
        app.MapIntrusion(context => ScopeOf(context.GetCaller(), access.Current));
        app.MapGateway();
        return app;
    }

    /// <summary>Whose alerts a caller may read: its tenant's, or all where its role says so.</summary>
    private static AlertScope ScopeOf(Caller caller, AccessSnapshot access) =>
        access.GrantsOf(caller).AllTenants.Has(Platform.V1.Permission.AuditRead)
            ? AlertScope.All
            : new AlertScope(caller.Tenant, null);

    private static IServiceCollection AddRegistry(this IServiceCollection services) => services
        .AddSingleton<PauseWatch>()
        .AddSingleton<HealthMonitor>()
        .AddSingleton<HealthReporter>()
        .AddSingleton<NodeRegistry>()
        .AddSingleton<RegionTable>()
        .AddSingleton<RegionListing>()
        .AddSingleton<RegistryMetrics>()
        .AddSingleton<NodeOrders>()
        .AddHosted<SnapshotPublisher>()
        .AddHosted<RoundTripProbe>()
        .AddHosted<RegionExchange>();

    private static IServiceCollection AddDecisions(this IServiceCollection services) => services
        .AddSingleton(s => new SegmentStore(s.GetRequiredService<IOptions<RoutingOptions>>().Value,
            s.GetRequiredService<TimeProvider>()))
        .AddSingleton<DecisionExplainer>()
        .AddHosted<DecisionLog>()
        .AddHosted<SegmentSealer>();

    private static IServiceCollection AddGateway(this IServiceCollection services) => services
        .AddSingleton<HopAssertions>()
        .AddSingleton<RequestHeadReader>()
        .AddSingleton<StrategyChoice>()
        .AddSingleton<CandidatePicker>()
        .AddSingleton<Forwarder>()
        .AddSingleton<CallOpener>()
        .AddSingleton<FlowTable>()
        .AddSingleton<ResilienceMetrics>()
        .AddSingleton<ColdHold>()
        .AddSingleton<AdmissionMetrics>()
        .AddSingleton<PlaceQueue>()
        .AddSingleton<Shedding>()
        .AddSingleton<TenantRights>()
        .AddSingleton<TenantQuotas>()
        .AddHosted<QuotaShare>()
        .AddSingleton<AttemptRunner>()
        .AddSingleton<AnswerDelivery>()
        .AddSingleton<ForwardLoop>()
        .AddSingleton<FanOut>()
        .AddSingleton<UnaryGateway>()
        .AddSingleton<StreamGateway>()
        .AddSingleton<RepositoryGateway>()
        .AddSingleton<RoutePlanner>();

    private static IServiceCollection AddDraining(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck<RouterReady>("router");
        // The exit keeps its own times; the host only cuts what overstays them.
        services.AddOptions<HostOptions>().Configure<IOptions<RoutingOptions>>((host, routing) =>
            host.ShutdownTimeout = routing.Value.Drain.LameDuckTime + routing.Value.Drain.WorkTime + ExitMargin);
        return services
            .AddSingleton<RouterDrain>()
            .AddSingleton<CallCount>()
            .AddSingleton<RouterReady>()
            .AddHosted<RouterExit>();
    }

    private static IServiceCollection AddHosted<T>(this IServiceCollection services)
        where T : class, IHostedService =>
        services.AddSingleton<T>().AddHostedService(s => s.GetRequiredService<T>());
}
