using System.Collections.Concurrent;
using Lepton.Platform.V1;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Access tokens that were validated, by the whole header they came in: a hit compares and looks at the clock, and
/// allocates nothing. Two generations: when the younger is full the older is dropped, so that what is in use stays.
/// </summary>
internal sealed class TokenCache(
    TokenValidator validator, TokenMetrics metrics, IOptions<TokenOptions> options, TimeProvider time)
{
    private const string Scheme = "Bearer ";

    private readonly Lock _turning = new();
    private volatile ConcurrentDictionary<string, AccessToken> _young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, AccessToken> _old = new(StringComparer.Ordinal);

    /// <summary>The token of an <c>authorization</c> header, when it is known and in time.</summary>
    public AccessToken? Find(string authorization)
    {
        if (!_young.TryGetValue(authorization, out var token))
        {
            if (!_old.TryGetValue(authorization, out token))
                return null;
            Keep(authorization, token);
        }
        return token.ExpireTime > time.GetUtcNow() ? token : null;
    }

    /// <summary>Validates what <see cref="Find"/> does not know.</summary>
    public async Task<(AccessToken? Token, TokenFault? Fault)> ValidateAsync(
        string authorization, CancellationToken cancellation)
    {
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return (null, new TokenFault(ErrorReason.TokenInvalid,
                "The header authorization takes 'Bearer' and an access token."));
        var (token, fault) = await validator.ValidateAsync(authorization[Scheme.Length..].Trim(), cancellation);
        metrics.Validated(fault?.Reason);
        if (token is not null)
            Keep(authorization, token);
        return (token, fault);
    }

    private void Keep(string authorization, AccessToken token)
    {
        var young = _young;
        young[authorization] = token;
        if (young.Count < options.Value.CacheMax / 2)
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
