using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

namespace Lepton.Compliance.Roles;

/// <summary>Roles by call in this process.</summary>
internal static class RolesApp
{
    public static IServiceCollection AddRoles(this IServiceCollection services)
    {
        services.AddChecked<RoleOptions>(RoleOptions.Section, RoleOptions.Faults);
        services.AddSingleton(s => s.GetServices<ControlTarget>().OfType<RolesTarget>().Single());
        services.AddSingleton<RoleSigner>();
        services.AddHealthChecks().AddCheck<RoleSigner>("role-signer");
        services.AddSingleton<RoleRecord>();
        services.AddSingleton<RoleMetrics>();
        // Without an audit log nothing is changed; the rest of the process goes on.
        services.AddSingleton(s => new RoleAudit(s.GetRequiredService<TimeProvider>(), s.GetService<IAuditLog>()));
        return services;
    }

    public static WebApplication MapRoles(this WebApplication app)
    {
        app.MapGrpcService<RoleEndpoint>();
        return app;
    }
}
