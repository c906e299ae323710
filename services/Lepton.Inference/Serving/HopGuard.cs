using Grpc.AspNetCore.Server;
using Grpc.Core;
using Lepton.Hop.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;
using PlatformReason = Lepton.Platform.V1.ErrorReason;

namespace Lepton.Inference.Serving;

/// <summary>
/// Decides on headers alone, before a byte of the message is read, whether this node may do the work: it comes from a
/// router of its own region, with that router's fresh assertion for this node, and both the assertion and the node's
/// own policy allow this region to process the data.
/// </summary>
internal sealed partial class HopGuard(
    HopVerifier verifier,
    NodeResidency residency,
    Draining draining,
    InferenceMetrics metrics,
    IOptions<ServiceOptions> place,
    IOptions<InferenceOptions> options,
    ILogger<HopGuard> logger) : IMiddleware
{
    private const string Service = "inference.GRPCInferenceService";

    private static readonly HashSet<string> Inference = ["ModelInfer", "ModelStreamInfer"];

    // What changes a node needs an assertion as inference does; what only describes it needs a router's certificate.
    private static readonly HashSet<string> Management = ["RepositoryModelLoad", "RepositoryModelUnload"];

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // What was routed, not what the path says: routing takes a path in any case, a comparison of ours would not.
        var method = context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method;
        if (method?.ServiceName != Service || Refusal(context, method.Name) is not { } refusal)
            return method is not null && Inference.Contains(method.Name) ? CountedAsync(context, next) : next(context);
        Refused(method.Name, context.GetCaller().Principal, RpcErrors.ReasonOf(refusal) ?? "");
        return refusal.WriteToAsync(context);
    }

    private RpcException? Refusal(HttpContext context, string method)
    {
        var caller = context.GetCaller();
        if (!caller.IsService("routing", place.Value.Region))
            return RpcErrors.Create(StatusCode.PermissionDenied, PlatformReason.CallerNotAllowed,
                $"Only service routing of region {place.Value.Region} may call a node.",
                new Dictionary<string, string> { ["caller"] = caller.Principal });
        if (!Inference.Contains(method) && !Management.Contains(method))
            return null;
        var verdict = verifier.Verify(context.Request.Headers, options.Value.Node, caller);
        if (verdict is not HopVerdict.Accepted { Assertion: var assertion })
            return RpcErrors.Create(StatusCode.Unauthenticated, PlatformReason.HopAssertionInvalid,
                verdict is HopVerdict.Refused { Why: var why } ? why : "The assertion is not accepted.");
        context.Features.Set(assertion);
        if (Management.Contains(method))
            return null;
        return residency.Refusal(assertion, assertion.Model)
            ?? (draining.Refusing.IsCancellationRequested ? InferenceErrors.Leaving() : null);
    }

    // What the node waits for when it leaves; and where its work came from, by data class.
    private async Task CountedAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<HopAssertion>() is { } assertion)
            metrics.Admitted(assertion.DataClass);
        draining.Enter();
        try
        {
            await next(context);
        }
        finally
        {
            draining.Leave();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused {Method} of {Caller}: {Reason}")]
    private partial void Refused(string method, string caller, string reason);
}
