using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Login;
using Lepton.Cli.Platform;
using Lepton.Platform.V1;

namespace Lepton.Cli.Gateway;

/// <summary>What one region's gateway makes of who is logged in: it has verified the token, the CLI has not.</summary>
/// <param name="Region">Who was asked.</param>
/// <param name="Caller">Who that is there, and what that one may do; null when refused.</param>
/// <param name="Failure">Why the caller is refused, or nobody answers; null when known.</param>
internal sealed record GatewayWord(string Region, WhoAmIResponse? Caller, CommandFailure? Failure)
{
    private static readonly TimeSpan timeout = TimeSpan.FromSeconds(10);

    public string Sentence => Caller is { } caller
        ? $"{Region} takes the token: {caller.Principal} of tenant {caller.Tenant}"
        : $"{Region}: {Failure?.Message}";

    /// <summary>One line a role, for people.</summary>
    public IEnumerable<string> Roles => Caller is null ? [] : Caller.Roles.Select(role =>
        $"{role.Role} in {(role.Regions.Contains("*") ? "every region" : string.Join(", ", role.Regions))}"
        + (role.AllTenants ? ", for all tenants" : ""));

    public static async Task<GatewayWord> AskAsync(
        PlatformFile platform, PlatformRegion region, LoginTokens tokens, TimeProvider time,
        CancellationToken cancellation)
    {
        using GatewayClient gateway = GatewayClient.Open(region, platform.AuthorityFile, tokens);
        try
        {
            return new GatewayWord(region.Name, await gateway.Access.WhoAmIAsync(new WhoAmIRequest(),
                deadline: time.GetUtcNow().UtcDateTime + timeout, cancellationToken: cancellation), null);
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
        ["principal"] = Caller?.Principal,
        ["tenant"] = Caller?.Tenant,
        ["permissions"] = Caller is null
            ? null
            : new JsonArray([.. Caller.Permissions.Select(p => (JsonNode)RpcFailure.WireName(p))]),
        ["roles"] = Caller is null ? null : new JsonArray([.. Caller.Roles.Select(role => new JsonObject
        {
            ["role"] = role.Role,
            ["regions"] = new JsonArray([.. role.Regions.Select(r => (JsonNode)r)]),
            ["all_tenants"] = role.AllTenants,
        })]),
        ["error"] = Failure is { } failure
            ? failure.Json?.DeepClone() ?? new JsonObject { ["message"] = failure.Message }
            : null,
    };
}
