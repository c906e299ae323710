using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// Intrusion detection in a host. It gives <see cref="ISecurityEvents"/> to report to and
/// <see cref="PrincipalLocks"/> to ask.
/// </summary>
public static class IntrusionApp
{
    /// <summary>
    /// Adds it. A bad option or rules file stops the start with the field's name and what it takes.
    /// </summary>
    /// <param name="services">The host's.</param>
    /// <param name="configure">After the section <c>Lepton:Intrusion</c>.</param>
    public static IServiceCollection AddIntrusion(
        this IServiceCollection services, Action<IntrusionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<IntrusionOptions> options = services.AddOptions<IntrusionOptions>()
            .BindConfiguration(IntrusionOptions.Section).ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        services.AddSingleton<IValidateOptions<IntrusionOptions>, IntrusionOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddSingleton(s =>
            RulesReader.Load(s.GetRequiredService<IOptions<IntrusionOptions>>().Value.RulesFile));
        services.AddSingleton(s => new PrincipalLocks(
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<IntrusionRules>().Limits.Locks));
        services.AddSingleton(s => new AlertLog(
            s.GetRequiredService<IntrusionRules>().Limits.Alerts, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IntrusionEngine>();
        services.AddSingleton<IntrusionMetrics>();
        services.AddSingleton<IntrusionDetector>();
        services.AddSingleton<ISecurityEvents>(s => s.GetRequiredService<IntrusionDetector>());
        services.AddHostedService(s => s.GetRequiredService<IntrusionDetector>());
        services.AddSingleton<AlertReaders>();
        services.AddSingleton<SecurityService>();
        return services;
    }

    /// <summary>Offers <c>lepton.platform.v1.SecurityService</c>.</summary>
    /// <param name="app">The host's endpoints.</param>
    /// <param name="readers">
    /// Says what a caller may see, or refuses it by throwing an <see cref="RpcException"/>. Asked once a call.
    /// </param>
    public static GrpcServiceEndpointConventionBuilder MapIntrusion(
        this IEndpointRouteBuilder app, Func<ServerCallContext, AlertScope> readers)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(readers);
        app.ServiceProvider.GetRequiredService<AlertReaders>().Scope = readers;
        return app.MapGrpcService<SecurityService>();
    }
}

/// <summary>Who may read alerts; nobody, until the host says so.</summary>
internal sealed class AlertReaders
{
    public Func<ServerCallContext, AlertScope> Scope { get; set; } =
        _ => throw new InvalidOperationException("MapIntrusion was not called.");
}
