using Grpc.Core;
using Lepton.Cli.Gateway;
using Lepton.Cli.Inference;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;
using Lepton.Routing.V1;
using OpenInference;

namespace Lepton.Cli.Commands;

/// <summary>What a command that talks to a gateway gets to work with.</summary>
internal sealed record GatewayCall(
    GatewayClient Gateway, OtherRegions Others, PlatformFile Platform, Session Session, bool Json,
    CallOptions Options)
{
    public Terminal Terminal => Session.Terminal;

    /// <summary>A refusal, or that nobody answers, as a person reads it.</summary>
    public CommandFailure Failure(RpcException exception) =>
        RpcFailure.From(exception, Gateway, Instance.Option(Platform.Instance));

    /// <summary>
    /// Sends one request in a trace of its own, and tells who served it: by the region's gateways or, when none can
    /// take it, by those of another region that may.
    /// </summary>
    public async Task<(ModelInferResponse Response, Served Served)> InferAsync(
        string traceName, ModelInferRequest request, Metadata headers)
    {
        using ClientTrace trace = ClientTrace.Start(Platform.Dashboard, traceName);
        long start = Session.Time.GetTimestamp();
        PlanRouteRequest plan = new()
        {
            Model = request.ModelName, DataClass = headers.GetValue("x-lepton-data-class") ?? "",
        };
        (ModelInferResponse response, Metadata trailers) =
            await Others.SendAsync(Gateway, plan, Options, async gateway =>
            {
                using AsyncUnaryCall<ModelInferResponse> sent =
                    gateway.Inference.ModelInferAsync(request, Options.WithHeaders(headers));
                return (await sent, sent.GetTrailers());
            });
        TimeSpan latency = Session.Time.GetElapsedTime(start);
        trace.End();
        return (response, Served.From(response, trailers, latency));
    }
}
