using System.Globalization;
using Lepton.Identity.Clients;
using Lepton.Identity.Requests;
using Lepton.Identity.Storage;
using Lepton.Identity.Tokens;
using Lepton.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Revocation;

/// <summary>Revocation by clients (RFC 7009), introspection (RFC 7662), and the list that services read.</summary>
internal sealed class RevocationEndpoints(
    IDbContextFactory<IdentityContext> databases, ClientAuthenticator clients, AccessTokens tokens, Sessions sessions,
    RevocationList revocations, AuditTrail audit)
{
    private static readonly OAuthAnswer Done = new((IReadOnlyDictionary<string, object?>?)null);

    private static readonly OAuthAnswer Inactive = new(new Dictionary<string, object?> { ["active"] = false });

    /// <summary>POST /revoke. A token that nobody knows is as good as revoked: 200.</summary>
    public async Task<OAuthAnswer> RevokeAsync(OAuthRequest request, CancellationToken cancellationToken)
    {
        var (client, refusal) = await clients.AuthenticateAsync(request, cancellationToken);
        if (client is null)
            return refusal ?? OAuthRefusal.InvalidClient("");
        if (request["token"] is not { } token)
            return OAuthRefusal.InvalidRequest("token is missing.");
        // The hint could only save a look-up: both forms are told apart at sight.
        if (Secrets.LooksRight(token))
            return await EndSessionAsync(request, token, client.Row, cancellationToken);
        if (await tokens.ReadAsync(token, cancellationToken) is not { } access)
            return Done;
        if (ClientOf(access) != client.Row.Id)
            return OAuthRefusal.InvalidGrant("The token was issued to another client.");
        await revocations.AddTokenAsync(access, cancellationToken);
        audit.Revoked(request, client.Row.Id, client.Row.Tenant, "tokens/" + access.Id);
        return Done;
    }

    /// <summary>POST /introspect, for clients that authenticate, and services by their certificate.</summary>
    public async Task<OAuthAnswer> IntrospectAsync(OAuthRequest request, CancellationToken cancellationToken)
    {
        AuthenticatedClient? client = null;
        var isService = request.Caller?.Kind == CallerKind.Service && request["client_id"] is null
            && request["client_assertion"] is null;
        if (!isService)
        {
            (client, var refusal) = await clients.AuthenticateAsync(request, cancellationToken);
            if (client is null)
                return refusal ?? OAuthRefusal.InvalidClient("");
            if (client.IsPublic)
                return OAuthRefusal.InvalidClient("A public client may not introspect.");
        }
        if (request["token"] is not { } token)
            return OAuthRefusal.InvalidRequest("token is missing.");
        // Refresh tokens are nobody's business but this authority's: they are inactive to everyone.
        if (await tokens.ReadAsync(token, cancellationToken) is not { } access
            || await revocations.ConcernsAsync(access, cancellationToken))
            return Inactive;
        // A tenant's client learns nothing of another tenant's tokens, not even that they are good.
        return client is null || TextOf(access, "tenant") == client.Row.Tenant ? Describe(access) : Inactive;
    }

    /// <summary>GET /revocations?after=N, for services only.</summary>
    public async Task<OAuthAnswer> ListAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (context.Features.Get<Caller>() is not { } caller)
            return OAuthRefusal.InvalidClient("Show the client certificate of a service.");
        if (caller.Kind != CallerKind.Service)
            return OAuthRefusal.Of("access_denied", "Revocations are for services.") with
            {
                Status = StatusCodes.Status403Forbidden,
            };
        var text = context.Request.Query["after"];
        if (text.Count > 1
            || !long.TryParse(text.Count == 0 ? "0" : text[0], NumberStyles.None, CultureInfo.InvariantCulture,
                out var after))
            return OAuthRefusal.InvalidRequest("after takes a number from 0 on, once.");
        var (next, page) = await revocations.ReadAsync(after, cancellationToken);
        return new OAuthAnswer(new Dictionary<string, object?>
        {
            ["next"] = next, ["revocations"] = page.Select(Entry),
        });
    }

    private async Task<OAuthAnswer> EndSessionAsync(
        OAuthRequest request, string token, ClientRow client, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var hash = Secrets.Hash(token);
        var session = (await database.Sessions.FromSql($"""
            SELECT s.* FROM sessions s JOIN refresh_tokens r ON r.session_id = s.id WHERE r.hash = {hash}
            FOR UPDATE OF s
            """).ToListAsync(cancellationToken)).SingleOrDefault();
        if (session is null)
            return Done;
        if (session.ClientId != client.Id)
            return OAuthRefusal.InvalidGrant("The token was issued to another client.");
        await sessions.EndAsync(database, session, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        audit.Revoked(request, client.Id, client.Tenant, "sessions/" + session.Id);
        return Done;
    }

    private static OAuthAnswer Describe(JsonWebToken access)
    {
        var body = new Dictionary<string, object?>
        {
            ["active"] = true,
            ["token_type"] = "Bearer",
            ["iss"] = access.Issuer,
            ["sub"] = access.Subject,
            ["aud"] = access.Audiences.Single(),
            ["client_id"] = ClientOf(access),
            ["tenant"] = TextOf(access, "tenant"),
            ["jti"] = access.Id,
            ["iat"] = Seconds(access.IssuedAt),
            ["exp"] = Seconds(access.ValidTo),
        };
        if (TextOf(access, "sid") is { Length: > 0 } session)
            body["sid"] = session;
        if (access.TryGetPayloadValue("auth_time", out long authTime))
            body["auth_time"] = authTime;
        if (access.TryGetPayloadValue("cnf", out System.Text.Json.JsonElement binding))
            body["cnf"] = binding;
        return new OAuthAnswer(body);
    }

    private static Dictionary<string, object> Entry(RevocationRow row)
    {
        var entry = new Dictionary<string, object>
        {
            [row.Kind switch
            {
                RevocationKind.Token => "jti",
                RevocationKind.Session => "sid",
                _ => "sub",
            }] = row.Value,
            ["exp"] = row.ExpireTime.ToUnixTimeSeconds(),
        };
        if (row.Before is { } before)
            entry["before"] = before;
        return entry;
    }

    private static string ClientOf(JsonWebToken token) => TextOf(token, "client_id");

    private static string TextOf(JsonWebToken token, string claim) =>
        token.TryGetPayloadValue(claim, out string value) ? value : "";

    private static long Seconds(DateTime utc) => new DateTimeOffset(utc, TimeSpan.Zero).ToUnixTimeSeconds();
}
