using System.Collections.Concurrent;
using Lepton.Platform.V1;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Access tokens that were validated, by the whole header they came in: a hit compares and looks at the clock, and
/// allocates nothing. Two generations: when the younger is full the older is dropped, so that what is in use stays.
/// What is revoked is marked when its authority says so: the hit pays one look at the mark.
/// </summary>
internal sealed class TokenCache
{
    private const string Scheme = "Bearer ";

    private readonly TokenValidator _validator;
    private readonly Revocations _revocations;
    private readonly TokenMetrics _metrics;
    private readonly IOptions<TokenOptions> _options;
    private readonly TimeProvider _time;
    private readonly Lock _turning = new();
    private volatile ConcurrentDictionary<string, AccessToken> _young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, AccessToken> _old = new(StringComparer.Ordinal);

    public TokenCache(TokenValidator validator, Revocations revocations, TokenMetrics metrics,
        IOptions<TokenOptions> options, TimeProvider time)
    {
        (_validator, _revocations, _metrics, _options, _time) = (validator, revocations, metrics, options, time);
        revocations.Changed += Mark;
    }

    /// <summary>The token of an <c>authorization</c> header, when it is known and in time.</summary>
    public AccessToken? Find(string authorization)
    {
        if (!_young.TryGetValue(authorization, out var token))
        {
            if (!_old.TryGetValue(authorization, out token))
                return null;
            Keep(authorization, token);
        }
        return token.ExpireTime > _time.GetUtcNow() && !token.IsRevoked ? token : null;
    }

    /// <summary>Validates what <see cref="Find"/> does not know.</summary>
    public async Task<(AccessToken? Token, TokenFault? Fault)> ValidateAsync(
        string authorization, CancellationToken cancellation)
    {
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return (null, new TokenFault(ErrorReason.TokenInvalid,
                "The header authorization takes 'Bearer' and an access token."));
        var (token, fault) = await _validator.ValidateAsync(authorization[Scheme.Length..].Trim(), cancellation);
        if (token is not null)
        {
            Keep(authorization, token);
            // Asked after it is kept: a revocation that comes now either is seen here or marks what is kept.
            if (_revocations.Has(token))
            {
                token.IsRevoked = true;
                (token, fault) = (null, new TokenFault(ErrorReason.TokenRevoked, "The token was revoked."));
            }
        }
        _metrics.Validated(fault?.Reason);
        return (token, fault);
    }

    private void Mark()
    {
        foreach (var (_, token) in _young)
            token.IsRevoked |= _revocations.Has(token);
        foreach (var (_, token) in _old)
            token.IsRevoked |= _revocations.Has(token);
    }

    private void Keep(string authorization, AccessToken token)
    {
        var young = _young;
        young[authorization] = token;
        if (young.Count < _options.Value.CacheMax / 2)
            return;
        lock (_turning)
        {
            if (_young != young)
                return;
            _old = young;
            _young = new ConcurrentDictionary<string, AccessToken>(StringComparer.Ordinal);
        }
    }
}
