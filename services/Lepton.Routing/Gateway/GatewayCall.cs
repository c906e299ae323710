using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Decisions;
using Lepton.Routing.Registry;

namespace Lepton.Routing.Gateway;

/// <summary>One request on its way through the gateway: its head, its deadline and its growing decision.</summary>
internal sealed class GatewayCall : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _either;
    private volatile RpcException? _refusal;

    public GatewayCall(
        HttpContext http, GatewayMethod method, RequestHead head, DecisionDraft draft, long startedAt, TimeSpan timeout,
        TimeProvider time)
    {
        (Http, Method, Head, Draft, StartedAt, _time) = (http, method, head, draft, startedAt, time);
        Deadline = draft.CreateTime + timeout;
        TimeSpan left = timeout - time.GetElapsedTime(startedAt);
        _deadline = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_deadline.Token, http.RequestAborted);
        Class = head.Class;
    }

    public HttpContext Http { get; }

    public GatewayMethod Method { get; }

    public RequestHead Head { get; }

    public DecisionDraft Draft { get; }

    public long StartedAt { get; }

    public DateTimeOffset Deadline { get; }

    public EffectiveClass Class { get; private set; }

    /// <summary>Fires when the caller gives up and when the deadline passes.</summary>
    public CancellationToken Cancellation => _either.Token;

    public TimeSpan TimeLeft => Deadline - _time.GetUtcNow();

    public ViewKey Key => new(Draft.Model, Draft.ModelVersion, Class.Set, OwnOnly: Head.Origin is not null);

    /// <summary>Takes the model that the message names: its floor may tighten the class, and even refuse.</summary>
    public RpcException? Admit(Topology topology, string model, string version)
    {
        (Draft.Model, Draft.ModelVersion) = (model, version);
        if (model.Length == 0)
            return GatewayErrors.FieldInvalid(Method.ModelField == 1 && Method.Books ? "model_name" : "name",
                "is required");
        if (Head.Origin is { } origin && origin.Model != model)
            return GatewayErrors.HopInvalid($"The assertion is for model {origin.Model}.");
        (EffectiveClass? admitted, RpcException? error) = Admission.Admit(topology, Draft, model, Head.AllowedByOrigin);
        Class = admitted ?? Class;
        return error;
    }

    /// <summary>What a stream that was answered well so far ends with, when it had to end before its time.</summary>
    public RpcException? EndedEarly { get; set; }

    /// <summary>
    /// Ends the call with an error found while it is being served: the node hears of it as of a cancellation.
    /// </summary>
    public Task RefuseAsync(RpcException error)
    {
        _refusal = error;
        return _either.CancelAsync();
    }

    /// <summary>What a cancellation of this call means.</summary>
    public RpcException CancellationError() =>
        _refusal is not null ? _refusal
        : Http.RequestAborted.IsCancellationRequested && !_deadline.IsCancellationRequested
            ? GatewayErrors.Cancelled()
            : GatewayErrors.DeadlineExceeded();

    public void Dispose()
    {
        _either.Dispose();
        _deadline.Dispose();
    }
}
