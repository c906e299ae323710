using Lepton.Compliance.Client.Audit;
using Lepton.Routing.Scaling.Guard;
using Lepton.Routing.Scaling.Providers;
using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.Scaling.Sizing;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Scaling;

/// <summary>The parts of scaling.</summary>
internal static class ScalingApp
{
    public static IServiceCollection AddScaling(this IServiceCollection services) => services
        .AddChecked<ScalingOptions>(ScalingOptions.Section, ScalingOptions.Faults)
        .AddSingleton<SignalReader>()
        .AddSingleton<IBudgetGuard, NoBudgetGuard>()
        .AddSingleton<ISizePrices, NoPrices>()
        .AddSingleton<ICapacityProvider, AspireProvider>()
        .AddSingleton<ICapacityProvider, KubernetesProvider>()
        .AddSingleton(s => new ScalingRecord(s.GetRequiredService<RoutingMetrics>(),
            s.GetRequiredService<Topology>(), s.GetService<IAuditLog>()))
        .AddSingleton<ScalingLoop>()
        .AddHostedService(s => s.GetRequiredService<ScalingLoop>());
}
