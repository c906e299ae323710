using Grpc.Core;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Routing.Gateway;

/// <summary>Unary calls: read the one message, admit its model, have it served.</summary>
internal sealed class UnaryGateway(CallOpener opener, ForwardLoop loop, Topology topology,
    IOptions<RoutingOptions> options)
{
    public Task HandleAsync(HttpContext http, GatewayMethod method) =>
        opener.RunAsync(http, method, call => ServeAsync(call));

    private async Task<RpcException?> ServeAsync(GatewayCall call)
    {
        FrameReader reader = new(call.Http.Request.BodyReader, options.Value.MessageBytesMax,
            call.Http.Request.Headers[Headers.Encoding].ToString());
        RpcException? error = null;
        PooledMessage? message;
        bool isWhole;
        try
        {
            isWhole = reader.TryReadOnly(out message);
            if (!isWhole)
                (message, error) = await reader.ReadAsync(partial => InspectPartial(call, partial), call.Cancellation);
        }
        finally
        {
            call.Draft.BytesRead = reader.BytesRead;
        }
        if (message is null)
            return error ?? GatewayErrors.MessageMalformed("is missing");
        using (message)
        {
            if (!isWhole && !await reader.IsAtEndAsync(call.Cancellation))
                return GatewayErrors.MessageMalformed("is followed by another in a unary call");
            error = InspectWhole(call, message)
                ?? await loop.RunAsync(call, _ => ValueTask.FromResult<RequestBody?>(new MessageBody(message)));
            return error is null || call.Method != GatewayMethod.ModelReady ? error
                : await AnswerNotReadyAsync(call, error);
        }
    }

    // "Is it ready" has an answer where nobody has the model: no. Other failures stay failures.
    private async Task<RpcException?> AnswerNotReadyAsync(GatewayCall call, RpcException error)
    {
        if (call.Draft.Attempts is not [{ Picked: null }])
            return error;
        await opener.AnswerAsync(call, new ModelReadyResponse { Ready = false });
        return null;
    }

    // The name stands at the start of most messages: a model that this gateway may not read for is refused before the
    // rest is read. What can't be told yet is told at the end.
    private RpcException? InspectPartial(GatewayCall call, PooledMessage partial)
    {
        ModelNamePeek peek = ModelNamePeek.At(partial.Body, call.Method.ModelField, call.Method.VersionField);
        if (peek.Status == PeekStatus.Malformed)
            return GatewayErrors.MessageMalformed(peek.Fault);
        return peek.Model.Length > 0 ? call.Admit(topology, peek.Model, peek.Version) : null;
    }

    private RpcException? InspectWhole(GatewayCall call, PooledMessage message)
    {
        ModelNamePeek peek = ModelNamePeek.At(message.Body, call.Method.ModelField, call.Method.VersionField);
        return GatewayErrors.Fault(peek) ?? call.Admit(topology, peek.Model, peek.Version);
    }
}
