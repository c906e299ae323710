using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.Draining;
using Lepton.Routing.Tenants;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>
/// ModelStreamInfer: the first message routes the stream, which then stays with its node. A message that names another
/// model is checked by itself: the stream ends when its class may not be where the stream is.
/// </summary>
internal sealed class StreamGateway(
    CallOpener opener, ForwardLoop loop, Topology topology, RouterDrain drain, TenantQuotas quotas,
    IOptions<RoutingOptions> options)
{
    public Task HandleAsync(HttpContext http) => opener.RunAsync(http, GatewayMethod.ModelStreamInfer, ServeAsync);

    private async Task<RpcException?> ServeAsync(GatewayCall call)
    {
        FrameReader reader = new(call.Http.Request.BodyReader, options.Value.MessageBytesMax,
            call.Http.Request.Headers[Headers.Encoding].ToString());
        try
        {
            (PooledMessage? first, RpcException? error) = await ReadFirstAsync(call, reader);
            if (first is null)
                return error ?? GatewayErrors.MessageMalformed("is missing: a stream is routed by its first");
            using (first)
            {
                error = Peek(first, out string model, out string version) ?? call.Admit(topology, model, version);
                return error ?? await ForwardAsync(call, first, reader);
            }
        }
        finally
        {
            call.Draft.BytesRead = reader.BytesRead;
        }
    }

    private async ValueTask<(PooledMessage?, RpcException?)> ReadFirstAsync(GatewayCall call, FrameReader reader)
    {
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation, drain.Closing);
        try
        {
            return await reader.ReadAsync(null, either.Token);
        }
        catch (OperationCanceledException)
            when (drain.Closing.IsCancellationRequested && !call.Cancellation.IsCancellationRequested)
        {
            return (null, GatewayErrors.Stopping());
        }
    }

    private async Task<RpcException?> ForwardAsync(GatewayCall call, PooledMessage first, FrameReader reader)
    {
        StreamBody? current = null;
        try
        {
            return await loop.RunAsync(call, async to =>
            {
                if (current is not null)
                    await current.StopAsync();
                return current is { ReadOn: true }
                    ? null // messages are gone with the first place
                    : current = new StreamBody(call, first, reader, message => InspectNext(call, message, to),
                        drain.Closing);
            });
        }
        finally
        {
            // Kestrel takes its body reader back when we return: nothing may still be reading.
            if (current is not null)
                await current.StopAsync();
        }
    }

    private RpcException? InspectNext(GatewayCall call, PooledMessage message, Candidate to)
    {
        if (call.Use is { } use && quotas.Message(call.Head.Tenant, use) is { } spent)
            return GatewayErrors.QuotaSpent(call.Head.Tenant, spent);
        RpcException? error = Peek(message, out string model, out string version);
        // A stream may outlive the policy that it began under: each message is judged by the one in force.
        ResidencyPolicy policy = topology.Policy;
        if (error is not null || (model == call.Draft.Model && version == call.Draft.ModelVersion
            && ReferenceEquals(policy, call.Draft.Policy)))
            return error;
        if (model.Length == 0)
            return GatewayErrors.FieldInvalid("model_name", "is required in every message");
        switch (policy.Decide(call.Head.Tenant, model, call.Class.Name))
        {
            case ResidencyVerdict.Known { Class: var known }:
                // Same origin rules as for the first: only narrower, and both places must be inside.
                bool stays = known.Set.Contains(topology.OwnIndex)
                    && known.Set.Contains(policy.IndexOf(to.Region))
                    && (known.Regulated == call.Class.Regulated || !known.Regulated);
                return stays ? null : GatewayErrors.GatewayNotAllowed(topology, policy, known);
            case ResidencyVerdict.UnknownModel:
                return GatewayErrors.ModelNotNamed(model);
            default:
                return GatewayErrors.NoRegionAllowed(topology, policy, call.Class, call.Head.Tenant, model);
        }
    }

    private static RpcException? Peek(PooledMessage message, out string model, out string version)
    {
        ModelNamePeek peek = ModelNamePeek.At(message.Body, 1, 2);
        (model, version) = (peek.Model, peek.Version);
        return GatewayErrors.Fault(peek);
    }
}
