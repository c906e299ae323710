using System.Security.Cryptography;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.Client.Law;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Policies;

/// <summary>Residency policies in the service: the parts and how they are put together.</summary>
internal static class PoliciesApp
{
    private static readonly Oid SignerUse = new(SignedContent.KeyUsage);

    public static IServiceCollection AddPolicies(this IServiceCollection services)
    {
        services.AddChecked<PolicyOptions>(PolicyOptions.Section, _ => []);
        return services
            .AddSingleton<PolicyMetrics>()
            .AddSingleton<IPolicyStore, RecordPolicyStore>()
            // Whoever has an audit log registers it; without one nothing that manages is done.
            .AddSingleton(s => new PolicyAudit(
                s.GetService<IAuditLog>(), s.GetRequiredService<PolicyMetrics>()))
            .AddSingleton(MakeBook)
            .AddSingleton<PolicyShelf>()
            .AddSingleton<PastDecisions>()
            .AddSingleton<PolicyEndpoint>();
    }

    public static WebApplication MapPolicies(this WebApplication app)
    {
        // The installation's policy is read now: a service without one must not start.
        app.Services.GetRequiredService<PolicyBook>();
        app.MapGrpcService<PolicyEndpoint>();
        return app;
    }

    private static PolicyBook MakeBook(IServiceProvider services)
    {
        var material = services.GetRequiredService<TlsMaterial>();
        var time = services.GetRequiredService<TimeProvider>();
        var document = PolicyBundle.Load(
            services.GetRequiredService<IConfiguration>()["Lepton:PolicyFile"] ?? "");
        var seed = ResidencyPolicy.Parse(
            document, [services.GetRequiredService<IOptions<ServiceOptions>>().Value.Region], time);
        return new PolicyBook(services.GetRequiredService<IPolicyStore>(),
            (jws, record) => SignedContent.Read(
                jws, record, (certificate, at) => material.IsTrusted(certificate, SignerUse, at), time.GetUtcNow()),
            services.GetRequiredService<PolicyAudit>(), services.GetRequiredService<PolicyMetrics>(), seed, document,
            services.GetRequiredService<IOptions<PolicyOptions>>(), time);
    }
}
