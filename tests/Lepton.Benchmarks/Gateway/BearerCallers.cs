using System.Collections.Frozen;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Http;

namespace Lepton.Benchmarks.Gateway;

/// <summary>A table of tokens in the place of certificates: what h2load can show.</summary>
internal sealed class BearerCallers : ICallerSource
{
    private const string Scheme = "Bearer ";

    private readonly FrozenDictionary<string, Caller> _callers = Settings.Tokens()
        .Select((token, i) => (token, i))
        .ToFrozenDictionary(t => Scheme + t.token, t => new Caller(CallerKind.Tenant, "", "", Settings.Tenant(t.i)));

    public ValueTask<CallerAnswer> OfAsync(HttpContext context) => new(new CallerAnswer(
        _callers.GetValueOrDefault(context.Request.Headers.Authorization.ToString()),
        new TokenFault(Platform.V1.ErrorReason.TokenInvalid, "not one of the bench's tokens")));
}
