using Lepton.Compliance.Audit;
using Lepton.Compliance.Policies;
using Lepton.Compliance.Roles;
using Lepton.Compliance.Search;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Lepton.Compliance;

/// <summary>The parts of the service and how they are put together: one line a part.</summary>
internal static class ComplianceApp
{
    /// <summary>It offers no gRPC contract of others'.</summary>
    public static readonly IReadOnlyDictionary<string, AccessRule> NoOthers = new Dictionary<string, AccessRule>();

    /// <summary>Its own contracts.</summary>
    public static readonly ServiceDescriptor[] Offered =
        [AuditService.Descriptor, AuditPeerService.Descriptor, AuditSearchService.Descriptor,
            V1.PolicyService.Descriptor, RoleService.Descriptor];

    public static IServiceCollection AddCompliance(this IServiceCollection services) => services
        .AddAudit()
        .AddSearch()
        .AddPolicies()
        .AddRoles();

    public static WebApplication MapCompliance(this WebApplication app) => app
        .MapAudit()
        .MapSearch()
        .MapPolicies()
        .MapRoles();
}
