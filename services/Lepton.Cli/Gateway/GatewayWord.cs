using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Inference;
using Lepton.Cli.Login;
using Lepton.Cli.Platform;
using Lepton.Routing.V1;

namespace Lepton.Cli.Gateway;

/// <summary>What one region's gateway makes of who is logged in: it has verified the token, the CLI has not.</summary>
/// <param name="Region">Who was asked.</param>
/// <param name="Tenant">As which tenant the caller is known there; null when refused.</param>
/// <param name="Failure">Why the caller is refused, or nobody answers; null when known.</param>
internal sealed record GatewayWord(string Region, string? Tenant, CommandFailure? Failure)
{
    private static readonly TimeSpan timeout = TimeSpan.FromSeconds(10);

    public string Sentence => Failure is { } failure
        ? $"{Region}: {failure.Message}"
        : $"{Region} takes the token, for tenant {Tenant}";

    /// <summary>
    /// Asks by the dry run of a route, which any caller may and whose decision names the tenant. A call that tells
    /// principal and roles as well would take its place here.
    /// </summary>
    public static async Task<GatewayWord> AskAsync(
        PlatformFile platform, PlatformRegion region, LoginTokens tokens, TimeProvider time,
        CancellationToken cancellation)
    {
        using GatewayClient gateway = GatewayClient.Open(region, platform.AuthorityFile, tokens);
        try
        {
            PlanRouteResponse plan = await gateway.Routing.PlanRouteAsync(
                new PlanRouteRequest { Model = OcrAnswer.Model },
                deadline: time.GetUtcNow().UtcDateTime + timeout, cancellationToken: cancellation);
            return new GatewayWord(region.Name, plan.Decision.Tenant, null);
        }
        catch (RpcException e)
        {
            cancellation.ThrowIfCancellationRequested();
            return new GatewayWord(
                region.Name, null, RpcFailure.From(e, gateway, Instance.Option(platform.Instance)));
        }
    }

    public JsonObject Json() => new()
    {
        ["region"] = Region,
        ["tenant"] = Tenant,
        ["error"] = Failure is { } failure
            ? failure.Json?.DeepClone() ?? new JsonObject { ["message"] = failure.Message }
            : null,
    };
}
