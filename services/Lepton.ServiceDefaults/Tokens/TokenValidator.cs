using System.Text.Json;
using Lepton.Platform.V1;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Validates access tokens of the configured authorities: issuer, audience, type, signature, time, and a tenant. Keys
/// are fetched in the background; nothing waits for an authority but the first token that a new key signed.
/// </summary>
internal sealed class TokenValidator : BackgroundService
{
    /// <summary>Longest token, in characters.</summary>
    public const int LengthMax = 8 << 10;

    private readonly Dictionary<string, Authority> _authorities;
    private readonly TokenOptions _options;
    private readonly TimeProvider _time;

    // Limits the work that a token may make before its signature is known to be good.
    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = LengthMax };

    public TokenValidator(
        IOptions<TokenOptions> options, TlsMaterial material, TimeProvider time, ILogger<TokenValidator> logger)
    {
        (_options, _time) = (options.Value, time);
        _authorities = _options.Issuers.ToDictionary(i => i.Issuer, i =>
            new Authority(i, new IssuerKeys(i, _options.KeysAgeMax, material, time, logger)));
    }

    /// <summary>What the token says, or why it is not taken.</summary>
    public async Task<(AccessToken? Token, TokenFault? Fault)> ValidateAsync(
        string token, CancellationToken cancellation)
    {
        if (token.Length is 0 or > LengthMax || !_handler.CanReadToken(token))
            return Invalid($"Send a JSON Web Token of at most {LengthMax} characters.");
        JsonWebToken read;
        try
        {
            read = _handler.ReadJsonWebToken(token);
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            return Invalid("Send a JSON Web Token: a part of this one is not base64url or not JSON.");
        }
        if (!_authorities.TryGetValue(read.Issuer, out var authority))
            return Invalid("Its issuer is none of this platform's.");
        if (!authority.Keys.Has(read.Kid))
            await authority.Keys.FetchEarlyAsync(read.Kid, cancellation);
        if (authority.Keys.Current.Count == 0)
            return (null, new TokenFault(ErrorReason.IssuerUnavailable,
                $"No keys of issuer {authority.Options.Name} could be fetched yet."));
        var result = await _handler.ValidateTokenAsync(read, Parameters(authority));
        return result.IsValid ? Accept(authority.Options, read) : Explain(result.Exception);
    }

    /// <summary>The age of each authority's keys, for metrics.</summary>
    public IEnumerable<(string Issuer, TimeSpan Age)> KeyAges() => _authorities.Values
        .Where(a => a.Keys.FetchedAt is not null)
        .Select(a => (a.Options.Name, _time.GetUtcNow() - (a.Keys.FetchedAt ?? default)));

    public override void Dispose()
    {
        base.Dispose();
        foreach (var authority in _authorities.Values)
            authority.Keys.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (_authorities.Count > 0 && !stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(_authorities.Values.Select(a => a.Keys.RefreshAsync(stoppingToken)))
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(Pause(), _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // An authority that was never reached is asked sooner: it starts at the same time as we do.
    private TimeSpan Pause() => _authorities.Values.All(a => a.Keys.FetchedAt is not null)
        ? _options.KeysInterval
        : TimeSpan.FromSeconds(2);

    private TokenValidationParameters Parameters(Authority authority) => new()
    {
        ValidIssuer = authority.Options.Issuer,
        ValidAudience = authority.Options.Audience,
        ValidTypes = [authority.Options.TokenType],
        ValidAlgorithms = authority.Options.Algorithms is { Count: > 0 } chosen ? chosen : ["ES256"],
        IssuerSigningKeys = authority.Keys.Current,
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        TryAllIssuerSigningKeys = false,
        LifetimeValidator = IsInTime,
    };

    private bool IsInTime(
        DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        if (notBefore > now + _options.ClockSkew)
            throw new SecurityTokenNotYetValidException();
        if (expires is null)
            throw new SecurityTokenNoExpirationException();
        if (expires + _options.ClockSkew <= now)
            throw new SecurityTokenExpiredException();
        return true;
    }

    private (AccessToken?, TokenFault?) Accept(IssuerOptions issuer, JsonWebToken token)
    {
        if (token.Subject is not { Length: > 0 and <= 255 } subject || subject.Any(char.IsControl))
            return Invalid("Its sub takes 1 to 255 characters.");
        if (!token.TryGetPayloadValue(issuer.TenantClaim, out string tenant) || !Caller.IsName(tenant))
            return Invalid($"Its claim {issuer.TenantClaim} names no tenant.");
        if (!TryReadBinding(token, out var thumbprint))
            return Invalid("Its cnf is none that is known here; x5t#S256 is.");
        var session = token.TryGetPayloadValue("sid", out string sid) ? sid : "";
        var caller = Caller.OfToken(issuer.Name, subject, tenant);
        return (new AccessToken(caller, issuer.Name, subject, token.Id ?? "", session, token.IssuedAt,
            token.ValidTo + _options.ClockSkew, thumbprint), null);
    }

    // A token that is bound to something is not good without it: what is not understood is refused.
    private static bool TryReadBinding(JsonWebToken token, out string? thumbprint)
    {
        thumbprint = null;
        if (!token.TryGetClaim("cnf", out _))
            return true;
        if (!token.TryGetPayloadValue("cnf", out JsonElement binding) || binding.ValueKind != JsonValueKind.Object
            || binding.EnumerateObject().Count() != 1
            || !binding.TryGetProperty("x5t#S256", out var value) || value.ValueKind != JsonValueKind.String)
            return false;
        thumbprint = value.GetString();
        return true;
    }

    private static (AccessToken?, TokenFault?) Explain(Exception? why) => why switch
    {
        SecurityTokenExpiredException => (null, new TokenFault(ErrorReason.TokenExpired, "The token has expired.")),
        SecurityTokenNotYetValidException => Invalid("It is not valid yet."),
        SecurityTokenNoExpirationException => Invalid("It never expires: it needs an exp."),
        SecurityTokenInvalidAudienceException => Invalid("It is for another audience."),
        SecurityTokenInvalidTypeException => Invalid("Its typ is not an access token's."),
        SecurityTokenInvalidAlgorithmException => Invalid("Its signature algorithm is not allowed."),
        SecurityTokenSignatureKeyNotFoundException => Invalid("Its signing key is none of the issuer's."),
        _ => Invalid("Its signature does not match."),
    };

    private static (AccessToken?, TokenFault?) Invalid(string message) =>
        (null, new TokenFault(ErrorReason.TokenInvalid, "The token is not valid: " + message));

    private sealed record Authority(IssuerOptions Options, IssuerKeys Keys);
}
