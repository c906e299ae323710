using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Platform.V1;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lepton.ServiceDefaults;

/// <summary>Names who sent a request.</summary>
internal interface ICallerSource
{
    /// <summary>The caller, or why nobody is named.</summary>
    ValueTask<CallerAnswer> OfAsync(HttpContext context);
}

/// <summary>The caller, or why nobody is named.</summary>
/// <param name="Caller">Who it is.</param>
/// <param name="Fault">Why nobody is named.</param>
/// <param name="Token">What names the caller; null: a certificate does.</param>
/// <param name="Thumbprint">Of the certificate shown; null: none was.</param>
internal readonly record struct CallerAnswer(
    Caller? Caller, TokenFault? Fault, AccessToken? Token = null, string? Thumbprint = null);

/// <summary>
/// The caller that the access token names; without a token the one of the connection's certificate. A token that is
/// not good is never overlooked, whatever certificate is there.
/// </summary>
internal sealed class Callers(TokenCache tokens) : ICallerSource
{
    private static readonly TokenFault Unknown = new(ErrorReason.CallerUnknown,
        "Show a client certificate of this installation whose URI SAN names a tenant or a service, or an access "
        + "token in the header authorization.");

    private static readonly TokenFault Twice = new(ErrorReason.TokenInvalid, "Send one authorization header.");

    private static readonly TokenFault Unbound = new(ErrorReason.TokenInvalid,
        "The token is bound to a certificate that this connection does not show.");

    // A connection keeps one certificate object: parsing happens once a connection, a request pays a look-up.
    private static readonly ConditionalWeakTable<X509Certificate2, Shown> Known = [];

    public ValueTask<CallerAnswer> OfAsync(HttpContext context)
    {
        var shown = context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
            ? Known.GetValue(certificate, static c => Shown.Of(c))
            : null;
        var authorization = context.Request.Headers.Authorization;
        if (authorization.Count == 0)
            return new(new CallerAnswer(
                shown?.Named, shown?.Named is null ? Unknown : null, null, shown?.Thumbprint));
        if (authorization.Count > 1 || authorization[0] is not { } header)
            return new(new CallerAnswer(null, Twice));
        return tokens.Find(header) is { } token
            ? new(Accept(token, shown))
            : new(ValidateAsync(header, shown, context.RequestAborted));
    }

    private async Task<CallerAnswer> ValidateAsync(string header, Shown? shown, CancellationToken cancellation)
    {
        var (token, fault) = await tokens.ValidateAsync(header, cancellation);
        return token is null ? new CallerAnswer(null, fault, null, shown?.Thumbprint) : Accept(token, shown);
    }

    private static CallerAnswer Accept(AccessToken token, Shown? shown) =>
        token.Thumbprint is null || token.Thumbprint == shown?.Thumbprint
            ? new CallerAnswer(token.Caller, null, token, shown?.Thumbprint)
            : new CallerAnswer(null, Unbound, token, shown?.Thumbprint);

    private sealed record Shown(Caller? Named, string Thumbprint)
    {
        public static Shown Of(X509Certificate2 certificate) => new(
            Caller.FromCertificate(certificate),
            Base64Url.EncodeToString(SHA256.HashData(certificate.RawDataMemory.Span)));
    }
}

/// <summary>
/// Who cannot be named, or may not make the call, is refused before anything of the request is read, but where the
/// endpoint is open to all.
/// </summary>
internal sealed class CallerMiddleware(
    RequestDelegate next, ICallerSource callers, AccessRules rules, AccessFile access, Revocations revocations,
    IEnumerable<ICallerWatch> watches)
{
    private static readonly TokenFault Stale = new(ErrorReason.RevocationsStale,
        "Whether the token was revoked cannot be known now, and nothing is managed by it until it can be.");

    private static readonly TokenFault TooOld = new(ErrorReason.AccessTooOld,
        "The roles here may have been overtaken long ago, and nothing is managed by them until they are confirmed.");

    private static readonly object LastNamed = new();

    private readonly ICallerWatch[] _watches = [.. watches];

    public Task InvokeAsync(HttpContext context)
    {
        ValueTask<CallerAnswer> answer;
        try
        {
            answer = callers.OfAsync(context);
        }
        catch (ObjectDisposedException)
        {
            // The connection ended before its request's turn came, its certificate with it: nobody hears an answer.
            context.Abort();
            return Task.CompletedTask;
        }
        return answer.IsCompletedSuccessfully ? GoOn(context, answer.Result) : WaitAsync(context, answer);
    }

    private async Task WaitAsync(HttpContext context, ValueTask<CallerAnswer> answer) =>
        await GoOn(context, await answer);

    private Task GoOn(HttpContext context, CallerAnswer answer)
    {
        if (answer.Caller is not { } caller)
        {
            if (OpenEndpoints.IsOpen(context))
                return next(context);
            var fault = answer.Fault ?? throw new InvalidOperationException("Neither a caller nor a fault.");
            foreach (var watch in _watches)
                watch.Refused(Sight(context, answer, fault.Reason));
            return RefuseAsync(context, fault);
        }
        if (_watches.Length > 0 && Watch(context, answer, caller) is { } until)
            return LockedAsync(context, caller, until);
        context.Features.Set(caller);
        if (rules.Find(context.Request.Path.Value ?? "") is not { } rule)
            return context.GetEndpoint() is null || OpenEndpoints.IsOpen(context)
                ? next(context)
                : NotOfferedAsync(context);
        var snapshot = access.Current;
        if (!snapshot.Allows(caller, rule))
        {
            foreach (var watch in _watches)
                watch.Denied(Sight(context, answer, ErrorReason.CallerNotAllowed),
                    AccessRule.NameOf(rule.Permission));
            return DenyAsync(context, caller, rule, snapshot);
        }
        return rule.IsManagement ? Manage(context, answer, caller, rule) : next(context);
    }

    private Task Manage(HttpContext context, in CallerAnswer answer, Caller caller, AccessRule rule)
    {
        var fault = caller.Kind != CallerKind.Service && access.IsTooOld() ? TooOld
            : answer.Token is { } token && revocations.AreStale(token.Issuer) ? Stale
            : null;
        if (fault is not null)
        {
            foreach (var watch in _watches)
                watch.Unserved(Sight(context, answer, fault.Reason));
            return RefuseAsync(context, fault);
        }
        context.Features.Set(new ManagementCall(Sight(context, answer), rule));
        return next(context);
    }

    // A connection is mostly one caller's: only who is new on it is told.
    private DateTimeOffset? Watch(HttpContext context, in CallerAnswer answer, Caller caller)
    {
        foreach (var watch in _watches)
            if (watch.LockedUntil(caller) is { } until)
            {
                foreach (var each in _watches)
                    each.Denied(Sight(context, answer, ErrorReason.PrincipalLocked), "");
                return until;
            }
        object shown = answer.Token is { } token ? token : caller;
        var items = context.Features.Get<IConnectionItemsFeature>()?.Items;
        if (items is null || !items.TryGetValue(LastNamed, out var last) || !ReferenceEquals(last, shown))
        {
            foreach (var watch in _watches)
                watch.Named(Sight(context, answer));
            if (items is not null)
                items[LastNamed] = shown;
        }
        return null;
    }

    private static CallerSight Sight(HttpContext context, in CallerAnswer answer, ErrorReason? reason = null) => new(
        answer.Caller, answer.Token, answer.Thumbprint, context.Connection.RemoteIpAddress,
        context.Request.Path.Value ?? "", reason is { } why ? RpcErrors.ReasonOf(why) : "");

    private static Task LockedAsync(HttpContext context, Caller caller, DateTimeOffset until) =>
        RpcErrors.Create(StatusCode.PermissionDenied, ErrorReason.PrincipalLocked,
            $"{caller.Principal} is locked out here until {until:u}: what it did looked like an attack.",
            new Dictionary<string, string> { ["until"] = until.ToString("O", CultureInfo.InvariantCulture) })
            .WriteToAsync(context);

    private static Task NotOfferedAsync(HttpContext context) =>
        RpcErrors.Create(StatusCode.Unimplemented, ErrorReason.FeatureNotOffered,
            $"{context.Request.Path} is not offered here.").WriteToAsync(context);

    private static Task DenyAsync(HttpContext context, Caller caller, AccessRule rule, AccessSnapshot snapshot)
    {
        var permission = rule.Permission == Permission.Unspecified ? "" : AccessRule.NameOf(rule.Permission);
        return RpcErrors.Create(StatusCode.PermissionDenied, ErrorReason.CallerNotAllowed,
            $"{caller.Principal} may not call {context.Request.Path} here. {snapshot.Missing(caller, rule)}",
            new Dictionary<string, string> { ["caller"] = caller.Principal, ["permission"] = permission })
            .WriteToAsync(context);
    }

    private static Task RefuseAsync(HttpContext context, TokenFault fault)
    {
        if (fault.Reason is ErrorReason.IssuerUnavailable or ErrorReason.RevocationsStale
            or ErrorReason.AccessTooOld)
            return RpcErrors.Create(StatusCode.Unavailable, fault.Reason, fault.Message, null,
                RpcErrors.RetryAfter(TimeSpan.FromSeconds(2))).WriteToAsync(context);
        // RFC 6750, 3: what a client library looks for.
        context.Response.Headers.WWWAuthenticate = fault.Reason == ErrorReason.CallerUnknown
            ? "Bearer"
            : "Bearer error=\"invalid_token\"";
        return RpcErrors.Create(StatusCode.Unauthenticated, fault.Reason, fault.Message).WriteToAsync(context);
    }
}

/// <summary>The caller of a request.</summary>
public static class CallerAccess
{
    /// <summary>Who sent this request. Set for every request that comes through the service defaults.</summary>
    public static Caller GetCaller(this HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("AddServiceDefaults is not in use.");

    /// <summary>Who made this gRPC call.</summary>
    public static Caller GetCaller(this ServerCallContext context) => context.GetHttpContext().GetCaller();

    /// <summary>Refuses everyone but this service (of this region, when one is given).</summary>
    public static Caller RequireService(this ServerCallContext context, string service, string? region = null)
    {
        var caller = context.GetCaller();
        if (caller.IsService(service, region))
            return caller;
        throw RpcErrors.Create(StatusCode.PermissionDenied, ErrorReason.CallerNotAllowed,
            $"Only service {service}{(region is null ? "" : " of region " + region)} may call {context.Method}.",
            new Dictionary<string, string> { ["caller"] = caller.Principal });
    }
}
