using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Platform.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lepton.ServiceDefaults;

/// <summary>Names who sent a request. Services go by certificates, and no configuration changes that.</summary>
internal interface ICallerSource
{
    /// <summary>The caller, or null: nobody is named.</summary>
    Caller? Of(HttpContext context);
}

/// <summary>The caller that the connection's client certificate names.</summary>
internal sealed class CertificateCallers : ICallerSource
{
    // A connection keeps one certificate object: parsing happens once a connection, a request pays a look-up.
    private static readonly ConditionalWeakTable<X509Certificate2, StrongBox<Caller?>> Known = [];

    public Caller? Of(HttpContext context) =>
        context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
            ? Known.GetValue(certificate, static c => new StrongBox<Caller?>(Caller.FromCertificate(c))).Value
            : null;
}

/// <summary>Who cannot be named is refused before anything of the request is read.</summary>
internal sealed class CallerMiddleware(RequestDelegate next, ICallerSource callers)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (callers.Of(context) is not { } caller)
            return RpcErrors.Create(StatusCode.Unauthenticated, ErrorReason.CallerUnknown,
                "Show a client certificate of this installation whose URI SAN names a tenant or a service.")
                .WriteToAsync(context);
        context.Features.Set(caller);
        return next(context);
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
