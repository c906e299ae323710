using System.Buffers.Binary;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Lepton.Routing.Decisions;
using Lepton.Routing.Draining;
using Lepton.Routing.Security;
using Lepton.Routing.Tenants;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>Begins and ends every request of the gateway: head, deadline, decision record, metrics, trace.</summary>
internal sealed partial class CallOpener(
    Topology topology, RequestHeadReader heads, DecisionLog log, RegulatedAudit audit, CallCount calls,
    TenantQuotas quotas,
    RoutingMetrics metrics, IOptions<RoutingOptions> options, TimeProvider time, ILogger<CallOpener> logger)
{
    private const int StatusUnsupportedMediaType = 415;

    /// <summary>Reads the head, runs the request, and sees that it ends exactly once, whatever happens.</summary>
    /// <param name="serve">Answers the request and returns null, or returns an error that is answered here.</param>
    public async Task RunAsync(HttpContext http, GatewayMethod method, Func<GatewayCall, Task<RpcException?>> serve)
    {
        if (!Headers.IsGrpc(http.Request.ContentType))
        {
            http.Response.StatusCode = StatusUnsupportedMediaType;
            return;
        }
        long startedAt = time.GetTimestamp();
        DecisionDraft draft = NewDraft(method);
        metrics.ActiveRequests.Add(1);
        calls.Enter();
        TenantUse? use = null;
        using Activity? activity = RoutingMetrics.Activities.StartActivity(method.Activity);
        try
        {
            (RequestHead? head, RpcException? error) = heads.Read(http, draft);
            // What another router sends on was admitted there.
            if (head is { Origin: null } && quotas.Enter(head.Tenant, out use) is { } spent)
            {
                error = GatewayErrors.QuotaSpent(head.Tenant, spent);
            }
            else if (head is not null)
            {
                using GatewayCall call = new(http, method, head, draft, startedAt, TimeoutOf(head, method), time)
                {
                    Use = use,
                };
                error = await GuardAsync(call, serve);
            }
            if (error is not null)
                Refuse(http, draft, error, startedAt);
        }
        finally
        {
            metrics.ActiveRequests.Add(-1);
            calls.Leave();
            use?.Leave();
            audit.Ended(http, draft);
            Observe(draft, startedAt, activity);
        }
    }

    /// <summary>
    /// Records the end of a request: before its trailers go out, so that whoever reads the id can ask at once.
    /// </summary>
    public void End(DecisionDraft draft, StatusCode status, long startedAt)
    {
        draft.StatusCode = (int)status;
        draft.Duration = time.GetElapsedTime(startedAt);
        log.Write(draft);
    }

    /// <summary>Answers a unary call with a message of our own.</summary>
    public async Task AnswerAsync(GatewayCall call, IMessage answer)
    {
        int length = answer.CalculateSize();
        HttpResponse to = call.Http.Response;
        to.ContentType = Headers.ContentType;
        int frameLength = PooledMessage.PrefixBytes + length;
        Memory<byte> frame = to.BodyWriter.GetMemory(frameLength)[..frameLength];
        frame.Span[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame.Span[1..], length);
        answer.WriteTo(frame.Span[PooledMessage.PrefixBytes..]);
        to.BodyWriter.Advance(frameLength);
        call.Draft.ServedRegion = topology.Own;
        End(call.Draft, StatusCode.OK, call.StartedAt);
        AnswerRelay.WriteStatus(to, StatusCode.OK, call.Draft);
        await to.BodyWriter.FlushAsync(call.Cancellation);
    }

    private async Task<RpcException?> GuardAsync(GatewayCall call, Func<GatewayCall, Task<RpcException?>> serve)
    {
        try
        {
            return await serve(call);
        }
        catch (Exception) when (call.Cancellation.IsCancellationRequested)
        {
            return call.CancellationError();
        }
        catch (Exception e) when (e is IOException or BadHttpRequestException
            && call.Http.RequestAborted.IsCancellationRequested)
        {
            return GatewayErrors.Cancelled();
        }
        catch (Exception e)
        {
            LogUnforeseen(e, call.Method.Name, call.Draft.Id);
            return GatewayErrors.Internal();
        }
    }

    private void Refuse(HttpContext http, DecisionDraft draft, RpcException error, long startedAt)
    {
        draft.Reason = RpcErrors.ReasonOf(error) ?? "";
        draft.Message = error.Status.Detail;
        End(draft, error.StatusCode, startedAt);
        metrics.Refusals.Add(1, new KeyValuePair<string, object?>("error.type", draft.Reason));
        if (http.RequestAborted.IsCancellationRequested)
            return; // nobody is left to read it
        if (error.StatusCode == StatusCode.Unimplemented)
            http.Response.Headers[Headers.AcceptEncoding] = "identity";
        AnswerRelay.WriteError(http.Response, error, draft);
    }

    private TimeSpan TimeoutOf(RequestHead head, GatewayMethod method)
    {
        TimeSpan usual = method == GatewayMethod.ModelStreamInfer ? options.Value.DeadlineMax
            : options.Value.DeadlineDefault;
        TimeSpan asked = head.Timeout ?? usual;
        return asked < options.Value.DeadlineMax ? asked : options.Value.DeadlineMax;
    }

    private DecisionDraft NewDraft(GatewayMethod method)
    {
        DateTimeOffset now = time.GetUtcNow();
        return new DecisionDraft
        {
            Id = DecisionId.New(topology.Own, now),
            Region = topology.Own,
            CreateTime = now,
            Method = method.Name,
            Policy = topology.Policy,
        };
    }

    private void Observe(DecisionDraft draft, long startedAt, Activity? activity)
    {
        TagList tags = new()
        {
            { "rpc.method", draft.Method },
            { "rpc.grpc.status_code", StatusTag.Of(draft.StatusCode) },
            { "lepton.served_region", draft.ServedRegion },
        };
        metrics.RequestDuration.Record(time.GetElapsedTime(startedAt).TotalSeconds, tags);
        if (activity is null)
            return;
        activity.SetTag("rpc.grpc.status_code", draft.StatusCode)
            .SetTag("lepton.decision_id", draft.Id)
            .SetTag("lepton.model", draft.Model)
            .SetTag("lepton.data_class", draft.Class?.Name)
            .SetTag("lepton.node", draft.ServedBy)
            .SetTag("lepton.served_region", draft.ServedRegion);
        if (draft.StatusCode != 0)
            activity.SetStatus(ActivityStatusCode.Error, draft.Reason);
    }

    [LoggerMessage(LogLevel.Error, "{Method} failed unforeseen in decision {Decision}")]
    private partial void LogUnforeseen(Exception e, string method, string decision);
}
