using Grpc.Core;
using Lepton.Cli.Gateway;
using Lepton.Cli.Inference;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;
using OpenInference;

namespace Lepton.Cli.Commands;

/// <summary>What a command that talks to a gateway gets to work with.</summary>
internal sealed record GatewayCall(
    GatewayClient Gateway, PlatformFile Platform, Session Session, bool Json, CallOptions Options)
{
    public Terminal Terminal => Session.Terminal;

    /// <summary>A refusal, or that nobody answers, as a person reads it.</summary>
    public CommandFailure Failure(RpcException exception) =>
        RpcFailure.From(exception, Gateway, Instance.Option(Platform.Instance));

    /// <summary>Sends one request in a trace of its own, and tells who served it.</summary>
    public async Task<(ModelInferResponse Response, Served Served)> InferAsync(
        string traceName, ModelInferRequest request, Metadata headers)
    {
        using ClientTrace trace = ClientTrace.Start(Platform.Dashboard, traceName);
        long start = Session.Time.GetTimestamp();
        using AsyncUnaryCall<ModelInferResponse> sent =
            Gateway.Inference.ModelInferAsync(request, Options.WithHeaders(headers));
        ModelInferResponse response = await sent;
        TimeSpan latency = Session.Time.GetElapsedTime(start);
        trace.End();
        return (response, Served.From(response, sent.GetTrailers(), latency));
    }
}
