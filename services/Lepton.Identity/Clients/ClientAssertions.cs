using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lepton.Identity.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Clients;

/// <summary>
/// Assertions that clients sign to authenticate (RFC 7523, section 3): ES256, iss and sub the client, aud this
/// authority alone, exp soon, and a jti that is taken once.
/// </summary>
internal sealed class ClientAssertions(
    IDbContextFactory<IdentityContext> databases, IOptions<IdentityOptions> options, TimeProvider time)
{
    public const string Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private const int LengthMax = 4 << 10;
    private const int IdLengthMax = 255;

    private static readonly string[] Types = ["JWT", "client-authentication+jwt"];

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = LengthMax };
    private readonly IdentityOptions _options = options.Value;

    /// <summary>Reads an assertion without believing it; null: it is none.</summary>
    public JsonWebToken? Read(string assertion)
    {
        if (assertion.Length > LengthMax || !_handler.CanReadToken(assertion))
            return null;
        try
        {
            return _handler.ReadJsonWebToken(assertion);
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Why it does not authenticate this client, in a word; null: it does, and is used up.</summary>
    public async Task<string?> CheckAsync(JsonWebToken assertion, ClientRow client, CancellationToken cancellationToken)
    {
        if (client.PublicKey is null)
            return "wrong_method";
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(client.PublicKey, out _);
        // The provider cache would keep a key object that is disposed of here.
        var securityKey = new ECDsaSecurityKey(key)
        {
            CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
        };
        var result = await _handler.ValidateTokenAsync(assertion, new TokenValidationParameters
        {
            ValidIssuer = client.Id,
            ValidAlgorithms = ["ES256"],
            ValidateAudience = false, // exactly one, below
            ValidateLifetime = false, // by our own clock, below
            IssuerSigningKey = securityKey,
            TryAllIssuerSigningKeys = true, // a client has one key, whatever it calls it
            RequireSignedTokens = true,
        });
        if (!result.IsValid)
            return "signature";
        return CheckClaims(assertion, client) ?? await UseAsync(assertion, client, cancellationToken);
    }

    private string? CheckClaims(JsonWebToken assertion, ClientRow client)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (assertion.Typ is { Length: > 0 } type && !Types.Contains(type, StringComparer.OrdinalIgnoreCase))
            return "type";
        if (assertion.TryGetHeaderValue("crit", out object _))
            return "critical"; // RFC 7515, 4.1.11: what is not understood is refused
        if (assertion.Issuer != client.Id || assertion.Subject != client.Id)
            return "subject";
        // For this authority and nobody else: another one could show what it was sent here.
        if (assertion.Audiences.ToList() is not [var audience]
            || (audience != _options.Issuer && audience != _options.Issuer + "/token"))
            return "audience";
        if (!assertion.TryGetPayloadValue("exp", out long _) || assertion.ValidTo + _options.ClockSkew <= now)
            return "expired";
        if (assertion.ValidTo > now + _options.AssertionTimeMax + _options.ClockSkew)
            return "too_long";
        if (assertion.ValidFrom > now + _options.ClockSkew || assertion.IssuedAt > now + _options.ClockSkew)
            return "not_yet";
        return assertion.Id is { Length: > 0 and <= IdLengthMax } ? null : "no_id";
    }

    private async Task<string?> UseAsync(JsonWebToken assertion, ClientRow client, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(assertion.Id));
        var expires = new DateTimeOffset(assertion.ValidTo, TimeSpan.Zero) + _options.ClockSkew;
        // The table decides between two that come at once, of whichever instance.
        var taken = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO used_assertions (client_id, id_hash, expire_time) VALUES ({client.Id}, {hash}, {expires})
            ON CONFLICT DO NOTHING
            """, cancellationToken);
        return taken == 1 ? null : "replay";
    }
}
