using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Lepton.ServiceDefaults;

/// <summary>A call that changes what others rely on, as the door saw it: a feature of such requests only.</summary>
/// <param name="Sight">Who makes it.</param>
/// <param name="Rule">Who may.</param>
public sealed record ManagementCall(CallerSight Sight, AccessRule Rule)
{
    /// <summary>Of this request; null: it manages nothing.</summary>
    public static ManagementCall? Of(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<ManagementCall>();
    }

    /// <summary>Of this gRPC call; null: it manages nothing.</summary>
    public static ManagementCall? Of(ServerCallContext context) => Of(context.GetHttpContext());
}
