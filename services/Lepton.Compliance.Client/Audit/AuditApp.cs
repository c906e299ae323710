using System.Security.Cryptography;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Audit;

/// <summary>The audit log as every service has it (C4): one line in each Program.cs.</summary>
public static class AuditApp
{
    /// <summary>
    /// Adds <see cref="IAuditLog"/> by a durable spool. After <c>AddServiceDefaults</c> and before the service's own
    /// parts: it starts before them and stops after them.
    /// </summary>
    /// <param name="builder">The service's.</param>
    /// <param name="service">Its name, as in its certificate.</param>
    /// <param name="whenFull">
    /// Health when nothing can be kept: <see cref="HealthStatus.Degraded"/> where public work goes on all the same.
    /// </param>
    public static WebApplicationBuilder AddAudit(
        this WebApplicationBuilder builder, string service, HealthStatus whenFull = HealthStatus.Unhealthy)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.AddChecked<AuditOptions>(AuditOptions.Section, AuditOptions.Faults);
        string process = builder.Configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : service;
        services.AddSingleton(s => PlaceOf(s, service, process));
        services.AddSingleton<AuditMetrics>();
        services.AddSingleton(s => SpoolFiles.Open(s.GetRequiredService<IOptions<AuditOptions>>().Value));
        services.AddSingleton<Spool>();
        services.AddSingleton<IAuditLog, AuditLog>();
        services.AddSingleton<IManagementLog, ManagementAudit>();
        services.AddSingleton<ICallerWatch, AuditWatch>();
        services.AddSingleton<IAuditNodes, GrpcAuditNodes>();
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<AuditSender>(
            s, new Random(RandomNumberGenerator.GetInt32(int.MaxValue))));
        services.AddHostedService(Begin);
        services.AddHealthChecks().AddCheck<AuditHealth>("audit", whenFull);
        return builder;
    }

    private static AuditSender Begin(IServiceProvider services)
    {
        SpoolFiles files = services.GetRequiredService<SpoolFiles>();
        AuditSender sender = services.GetRequiredService<AuditSender>();
        services.GetRequiredService<AuditMetrics>().Observe(
            () => files.Bytes, () => files.Events, () => sender.Silence);
        return sender;
    }

    private static AuditPlace PlaceOf(IServiceProvider services, string service, string process)
    {
        ServiceOptions place = services.GetRequiredService<IOptions<ServiceOptions>>().Value;
        string named = services.GetRequiredService<IOptions<AuditOptions>>().Value.Process;
        return new AuditPlace(place.Region, place.Zone, service, named.Length > 0 ? named : process);
    }
}
