using System.Text.Json;
using Lepton.Identity.Keys;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Tokens;

/// <summary>Whom an access token is for.</summary>
/// <param name="Subject">A user's or a client's name.</param>
/// <param name="ClientId">Who asked for it.</param>
/// <param name="Tenant">Whose it is.</param>
/// <param name="Thumbprint">SHA-256 of the certificate that it is bound to, base64url; null: none.</param>
/// <param name="Session">The log-in, its time, and its end; null: a program's own token.</param>
internal sealed record TokenGrant(
    string Subject, string ClientId, string Tenant, string? Thumbprint, TokenSession? Session);

/// <summary>A log-in.</summary>
internal sealed record TokenSession(string Id, DateTimeOffset AuthTime, DateTimeOffset ExpireTime);

/// <summary>Access tokens by RFC 9068: ES256, <c>typ</c> at+jwt.</summary>
internal sealed class AccessTokens(SigningKeyRing ring, IOptions<IdentityOptions> options, TimeProvider time)
{
    private const int LengthMax = 8 << 10;

    private readonly IdentityOptions _options = options.Value;
    private readonly JsonWebTokenHandler _handler = new()
    {
        SetDefaultTimesOnTokenCreation = false, MaximumTokenSizeInBytes = LengthMax,
    };

    /// <summary>Signs a token, and says for how long it is good.</summary>
    public async Task<(string Token, TimeSpan Life)> SignAsync(TokenGrant grant, CancellationToken cancellationToken)
    {
        var key = await ring.CurrentAsync(cancellationToken);
        var now = Whole(time.GetUtcNow());
        var end = now + _options.AccessTokenTime;
        if (grant.Session is { } limit && limit.ExpireTime < end)
            end = Whole(limit.ExpireTime);
        var claims = new Dictionary<string, object>
        {
            ["sub"] = grant.Subject,
            ["client_id"] = grant.ClientId,
            ["tenant"] = grant.Tenant,
            ["jti"] = Secrets.CreateId(),
        };
        if (grant.Session is { } session)
        {
            claims["sid"] = session.Id;
            claims["auth_time"] = session.AuthTime.ToUnixTimeSeconds();
        }
        if (grant.Thumbprint is { } thumbprint)
            claims["cnf"] = new Dictionary<string, object> { ["x5t#S256"] = thumbprint };
        var token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = _options.Issuer,
            Audience = _options.Audience,
            TokenType = "at+jwt",
            IssuedAt = now.UtcDateTime,
            Expires = end.UtcDateTime,
            Claims = claims,
            SigningCredentials = new SigningCredentials(key.Key, SecurityAlgorithms.EcdsaSha256),
        });
        return (token, end - now);
    }

    /// <summary>One of our own tokens in time, whether revoked or not; null: it is none.</summary>
    public async Task<JsonWebToken?> ReadAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > LengthMax || !_handler.CanReadToken(token))
            return null;
        JsonWebToken read;
        try
        {
            read = _handler.ReadJsonWebToken(token);
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            return null;
        }
        var keys = await ring.PublishedAsync(cancellationToken);
        var result = await _handler.ValidateTokenAsync(read, new TokenValidationParameters
        {
            ValidIssuer = _options.Issuer,
            ValidAudience = _options.Audience,
            ValidTypes = ["at+jwt"],
            ValidAlgorithms = ["ES256"],
            IssuerSigningKeys = keys.Select(k => k.Key),
            RequireSignedTokens = true,
            TryAllIssuerSigningKeys = false,
            ValidateLifetime = false, // by our own clock
        });
        return result.IsValid && read.ValidTo > time.GetUtcNow().UtcDateTime ? read : null;
    }

    private static DateTimeOffset Whole(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
