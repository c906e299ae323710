using Lepton.Identity.Clients;
using Lepton.Identity.Devices;
using Lepton.Identity.Requests;
using Lepton.Identity.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Tokens;

/// <summary>POST /token (RFC 6749, 3.2): who the client is, and which grant it has.</summary>
internal sealed class TokenEndpoint(
    ClientAuthenticator clients, AccessTokens tokens, Sessions sessions, DeviceGrants devices, IAuthenticationLog log,
    IOptions<IdentityOptions> options, IdentityMetrics metrics, TimeProvider time)
{
    public const string ClientCredentials = "client_credentials";
    public const string RefreshToken = "refresh_token";
    public const string DeviceCode = "urn:ietf:params:oauth:grant-type:device_code";

    public async Task<OAuthAnswer> HandleAsync(OAuthRequest request, CancellationToken cancellationToken)
    {
        if (request["grant_type"] is not { } grant)
            return OAuthRefusal.InvalidRequest("grant_type is missing.");
        var (client, refusal) = await clients.AuthenticateAsync(request, cancellationToken);
        if (client is null)
            return refusal ?? OAuthRefusal.InvalidClient("");
        if (grant is not (ClientCredentials or RefreshToken or DeviceCode))
            return OAuthRefusal.Of("unsupported_grant_type",
                $"grant_type takes {ClientCredentials}, {RefreshToken} or {DeviceCode}.");
        // Programs act for themselves, people log in by a public client: neither has the other's grants.
        if (client.IsPublic == grant is ClientCredentials)
            return OAuthRefusal.Of("unauthorized_client", "This client may not use this grant.");
        if (RefuseScope(request) is { } scope)
            return scope;
        return grant switch
        {
            ClientCredentials => await ForProgramAsync(request, client, cancellationToken),
            DeviceCode => await ForDeviceAsync(request, client, cancellationToken),
            _ => await RefreshAsync(request, client, cancellationToken),
        };
    }

    /// <summary>There are no scopes here: roles decide, in the services. Null: none was asked for.</summary>
    public static OAuthRefusal? RefuseScope(OAuthRequest request) => request["scope"] is null
        ? null
        : OAuthRefusal.Of("invalid_scope", "There are no scopes here: leave scope out. Roles are the services' own.");

    private async Task<OAuthAnswer> ForProgramAsync(
        OAuthRequest request, AuthenticatedClient client, CancellationToken cancellationToken)
    {
        if (RefuseResource(request) is { } resource)
            return resource;
        var row = client.Row;
        var (token, life) = await tokens.SignAsync(
            new TokenGrant(row.Id, row.Id, row.Tenant, client.Thumbprint, null), cancellationToken);
        Record(request, row.Id, row.Id, row.Tenant, AuthenticationOutcome.Success, row.Method);
        metrics.Issued(ClientCredentials);
        return Answer(token, life, null);
    }

    private async Task<OAuthAnswer> ForDeviceAsync(
        OAuthRequest request, AuthenticatedClient client, CancellationToken cancellationToken)
    {
        if (RefuseResource(request) is { } resource)
            return resource;
        if (request["device_code"] is not { } code)
            return OAuthRefusal.InvalidRequest("device_code is missing.");
        switch (await devices.PollAsync(code, client.Row.Id, cancellationToken))
        {
            case PollOutcome.Granted(var session, var refresh):
                return await ForPersonAsync(request, session, refresh, "device_code", cancellationToken);
            case PollOutcome.Refused(var error, var description):
                if (error is "access_denied" or "invalid_grant")
                    Record(request, "", client.Row.Id, "", AuthenticationOutcome.Failure, "device_" + error);
                return OAuthRefusal.Of(error, description);
            case var other:
                throw new InvalidOperationException($"A poll came to {other}.");
        }
    }

    private async Task<OAuthAnswer> RefreshAsync(
        OAuthRequest request, AuthenticatedClient client, CancellationToken cancellationToken)
    {
        if (RefuseResource(request) is { } resource)
            return resource;
        if (request["refresh_token"] is not { } refresh)
            return OAuthRefusal.InvalidRequest("refresh_token is missing.");
        switch (await sessions.RefreshAsync(refresh, client.Row.Id, cancellationToken))
        {
            case RefreshOutcome.Refreshed(var session, var next):
                return await ForPersonAsync(request, session, next, RefreshToken, cancellationToken);
            case RefreshOutcome.Refused(var reason, var session):
                Record(request, session?.UserName ?? "", client.Row.Id, session?.Tenant ?? "",
                    AuthenticationOutcome.Failure, reason);
                return OAuthRefusal.InvalidGrant("The refresh token is not good (any more): log in again.");
            case var other:
                throw new InvalidOperationException($"A refresh came to {other}.");
        }
    }

    private async Task<OAuthAnswer> ForPersonAsync(OAuthRequest request, SessionRow session, string refresh,
        string grant, CancellationToken cancellationToken)
    {
        var (token, life) = await tokens.SignAsync(
            new TokenGrant(session.UserName, session.ClientId, session.Tenant, null,
                new TokenSession(session.Id, session.AuthTime, session.ExpireTime)), cancellationToken);
        Record(request, session.UserName, session.ClientId, session.Tenant, AuthenticationOutcome.Success, grant);
        metrics.Issued(grant);
        return Answer(token, life, refresh);
    }

    private OAuthRefusal? RefuseResource(OAuthRequest request) =>
        request["resource"] is { } resource && resource != options.Value.Audience
            ? OAuthRefusal.Of("invalid_target", $"resource takes {options.Value.Audience}, or leave it out.")
            : null;

    private void Record(OAuthRequest request, string principal, string client, string tenant,
        AuthenticationOutcome outcome, string reason) => log.Record(new AuthenticationEvent(time.GetUtcNow(), principal,
        client, tenant, request.Address, request.Thumbprint, outcome, reason));

    private static OAuthAnswer Answer(string token, TimeSpan life, string? refresh)
    {
        var body = new Dictionary<string, object?>
        {
            ["access_token"] = token, ["token_type"] = "Bearer", ["expires_in"] = (long)life.TotalSeconds,
        };
        if (refresh is not null)
            body["refresh_token"] = refresh;
        return new OAuthAnswer(body);
    }
}
