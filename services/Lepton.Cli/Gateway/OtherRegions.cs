using Grpc.Core;
using Lepton.Cli.Platform;
using Lepton.Routing.V1;

namespace Lepton.Cli.Gateway;

/// <summary>
/// Where a request goes when no gateway of its region can take it: to another region's, if that one may. It is asked
/// first, by model and class alone, so that no data is shown to a gateway that may not read it.
/// </summary>
internal sealed class OtherRegions(
    IReadOnlyList<PlatformRegion> regions, Func<PlatformRegion, GatewayClient> open, Action<string> tell)
{
    /// <summary>Sends by the region's own gateways, else by the first allowed other region's.</summary>
    public async Task<T> SendAsync<T>(
        GatewayClient own, PlanRouteRequest plan, CallOptions options, Func<GatewayClient, Task<T>> send)
    {
        try
        {
            return await send(own);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
        {
            foreach (PlatformRegion region in regions.Where(r => r.Name != own.Region))
            {
                using GatewayClient other = open(region);
                if (!await MayTakeAsync(other, plan, options))
                {
                    continue;
                }

                tell($"{own.Region}: {e.Status.Detail} Asking {region.Name}, which may take it too.");
                try
                {
                    return await send(other);
                }
                catch (RpcException again) when (again.StatusCode == StatusCode.Unavailable)
                {
                    tell($"{region.Name}: {again.Status.Detail}");
                }
            }

            throw;
        }
    }

    private static async Task<bool> MayTakeAsync(GatewayClient gateway, PlanRouteRequest plan, CallOptions options)
    {
        try
        {
            PlanRouteResponse answer = await gateway.Routing.PlanRouteAsync(plan, options);
            return answer.AllowedGateways.Any(g => g.Name == gateway.Region);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.PermissionDenied)
        {
            return false; // down as well, or it does not know the tenant
        }
    }
}
