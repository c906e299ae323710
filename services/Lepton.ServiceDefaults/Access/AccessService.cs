using Grpc.Core;
using Lepton.Platform.V1;

namespace Lepton.ServiceDefaults;

/// <summary>Tells callers who they are here and what they may do.</summary>
internal sealed class AccessService(AccessFile access, Microsoft.Extensions.Options.IOptions<ServiceOptions> options)
    : Platform.V1.AccessService.AccessServiceBase
{
    public override Task<WhoAmIResponse> WhoAmI(WhoAmIRequest request, ServerCallContext context)
    {
        var caller = context.GetCaller();
        var snapshot = access.Current;
        return Task.FromResult(new WhoAmIResponse
        {
            Principal = caller.Principal,
            Tenant = caller.Tenant,
            Region = options.Value.Region,
            AccessVersion = snapshot.Version,
            Permissions = { snapshot.GrantsOf(caller).Own.Each() },
            Roles =
            {
                snapshot.RolesOf(caller).Select(a => new AssignedRole
                {
                    Role = a.Role, Regions = { a.Regions }, AllTenants = a.AllTenants,
                }),
            },
        });
    }
}
