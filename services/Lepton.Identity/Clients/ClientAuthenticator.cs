using Lepton.Identity.Requests;
using Lepton.Identity.Seeding;
using Lepton.Identity.Storage;
using Lepton.ServiceDefaults;
using Microsoft.EntityFrameworkCore;

namespace Lepton.Identity.Clients;

/// <summary>A client that is who it says.</summary>
/// <param name="Row">As registered.</param>
/// <param name="Thumbprint">What its tokens are bound to; null: nothing.</param>
internal sealed record AuthenticatedClient(ClientRow Row, string? Thumbprint)
{
    public bool IsPublic => Row.Method == ClientMethod.None;
}

/// <summary>
/// Client authentication: private_key_jwt, tls_client_auth, and public clients, each only by the method that it is
/// registered with.
/// </summary>
internal sealed class ClientAuthenticator(
    IDbContextFactory<IdentityContext> databases, ClientAssertions assertions, RateLimits limits,
    IAuthenticationLog log, TimeProvider time)
{
    /// <summary>The client, or why there is none.</summary>
    public async Task<(AuthenticatedClient? Client, OAuthRefusal? Refusal)> AuthenticateAsync(
        OAuthRequest request, CancellationToken cancellationToken)
    {
        // Methods in the header are for shared secrets, of which there are none here.
        if (request.HeaderScheme is { } scheme)
            return Refuse(request, null, "header", scheme is "Basic" or "Bearer" ? scheme : null);
        if (request["client_secret"] is not null)
            return Refuse(request, null, "secret");
        var (type, assertion) = (request["client_assertion_type"], request["client_assertion"]);
        if (type is null != assertion is null)
            return (null, OAuthRefusal.InvalidRequest("client_assertion and client_assertion_type go together."));
        if (assertion is not null)
            return type == ClientAssertions.Type
                ? await ByAssertionAsync(request, assertion, cancellationToken)
                : (null, OAuthRefusal.InvalidRequest($"client_assertion_type takes {ClientAssertions.Type}."));
        if (request["client_id"] is not { } id)
            return (null, OAuthRefusal.InvalidRequest("client_id is missing."));
        var client = await FindAsync(id, cancellationToken);
        return client?.Method switch
        {
            ClientMethod.None => (new AuthenticatedClient(client, null), null),
            ClientMethod.TlsClientAuth => ByCertificate(request, client),
            null => Refuse(request, null, "unknown"),
            _ => Refuse(request, client, "wrong_method"),
        };
    }

    private async Task<(AuthenticatedClient?, OAuthRefusal?)> ByAssertionAsync(
        OAuthRequest request, string text, CancellationToken cancellationToken)
    {
        if (assertions.Read(text) is not { } assertion)
            return Refuse(request, null, "assertion");
        if (request["client_id"] is { } said && said != assertion.Subject)
            return Refuse(request, null, "subject");
        var client = await FindAsync(assertion.Subject ?? "", cancellationToken);
        if (client is null)
            return Refuse(request, null, "unknown");
        if (client.Method != ClientMethod.PrivateKeyJwt)
            return Refuse(request, client, "wrong_method");
        return await assertions.CheckAsync(assertion, client, cancellationToken) is { } reason
            ? Refuse(request, client, reason)
            : Accept(client, null);
    }

    private (AuthenticatedClient?, OAuthRefusal?) ByCertificate(OAuthRequest request, ClientRow client)
    {
        // The handshake saw to it that the certificate is of our authority, in time, and a client's.
        if (request.Certificate is null)
            return Refuse(request, client, "no_certificate");
        var registered = client.CertificateUri is { } uri ? Caller.Parse(uri) : null;
        return registered is not null && request.Caller == registered
            ? Accept(client, request.Thumbprint)
            : Refuse(request, client, "certificate");
    }

    // Counted once it is known who it is: else anybody could use up another's share.
    private (AuthenticatedClient?, OAuthRefusal?) Accept(ClientRow client, string? thumbprint) =>
        limits.Client(client.Id) is { } wait
            ? (null, OAuthRefusal.TooMany(wait))
            : (new AuthenticatedClient(client, thumbprint), null);

    private (AuthenticatedClient?, OAuthRefusal?) Refuse(
        OAuthRequest request, ClientRow? client, string reason, string? scheme = null)
    {
        log.Record(new AuthenticationEvent(time.GetUtcNow(), client?.Id ?? "", client?.Id ?? "", client?.Tenant ?? "",
            request.Address, request.Thumbprint, AuthenticationOutcome.Failure, reason));
        return (null, OAuthRefusal.InvalidClient(reason switch
        {
            "header" or "secret" =>
                "There are no client secrets: use private_key_jwt, tls_client_auth or a public client.",
            "replay" => "The client assertion was used before.",
            "expired" => "The client assertion has expired, or never does.",
            "audience" => "The client assertion is not for this authority alone.",
            _ => "The client is not known, or does not show what it is registered with.",
        }, scheme));
    }

    private async Task<ClientRow?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (!Names.IsSubject(id))
            return null;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        return await database.Clients.AsNoTracking().SingleOrDefaultAsync(c => c.Id == id, cancellationToken);
    }
}
