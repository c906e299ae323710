using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Admission;
using Lepton.Routing.Decisions;
using Lepton.Routing.Registry;
using Lepton.Routing.Tenants;

namespace Lepton.Routing.Gateway;

/// <summary>One request on its way through the gateway: its head, its deadline and its growing decision.</summary>
internal sealed class GatewayCall : IDisposable
{
    // The caller counts from a moment earlier than we do: one who goes this shortly before the deadline, or a tenth of
    // it, went because of it.
    private static readonly TimeSpan HairMax = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _over = new();
    private readonly CancellationTokenRegistration _aborted;
    private readonly ITimer _timer; // the one of the request: rings for an alarm first, then for the deadline
    private volatile RpcException? _refusal;
    private volatile bool _expired;
    private volatile bool _alarmSet;
    private volatile bool _rang;
    private int _disposed;

    public GatewayCall(
        HttpContext http, GatewayMethod method, RequestHead head, DecisionDraft draft, long startedAt, TimeSpan timeout,
        TimeProvider time)
    {
        (Http, Method, Head, Draft, StartedAt, _time, _timeout) = (http, method, head, draft, startedAt, time, timeout);
        Deadline = draft.CreateTime + timeout;
        Class = head.Class;
        Priority = head.Priority == "batch" ? Priority.Batch : Priority.Realtime;
        _timer = time.CreateTimer(static call => (call as GatewayCall)?.OnTimer(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _aborted = http.RequestAborted.UnsafeRegister(static call => (call as GatewayCall)?.Cancel(), this);
        ArmFor(TimeLeft);
    }

    public HttpContext Http { get; }

    public GatewayMethod Method { get; }

    public RequestHead Head { get; }

    public DecisionDraft Draft { get; }

    public long StartedAt { get; }

    /// <summary>The tenant's use of its quota; null: it has none here.</summary>
    public TenantUse? Use { get; init; }

    /// <summary>Of a regulated class: whether it may be forwarded, once that is asked.</summary>
    public Task<bool>? Permit { get; set; }

    public Priority Priority { get; }

    public DateTimeOffset Deadline { get; }

    public EffectiveClass Class { get; private set; }

    /// <summary>Wakes whoever looks after the request.</summary>
    public CallSignal Signal { get; } = new();

    /// <summary>Fires when the caller gives up and when the deadline passes.</summary>
    public CancellationToken Cancellation => _over.Token;

    /// <summary>Until the deadline, by the clock that nobody sets.</summary>
    public TimeSpan TimeLeft => _timeout - _time.GetElapsedTime(StartedAt);

    public ViewKey Key => new(Draft.Model, Draft.ModelVersion, Class.Set, OwnOnly: Head.Origin is not null);

    /// <summary>Has <see cref="Signal"/> raised after a while, unless the deadline comes first.</summary>
    public void SetAlarm(TimeSpan delay)
    {
        if (delay >= TimeLeft)
            return;
        _alarmSet = true;
        ArmFor(delay);
    }

    /// <summary>True once for each alarm that rang.</summary>
    public bool TakeAlarm()
    {
        bool rang = _rang;
        _rang = false;
        return rang;
    }

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
        return _over.CancelAsync();
    }

    /// <summary>What a cancellation of this call means.</summary>
    public RpcException CancellationError() =>
        _refusal is not null ? _refusal
        : Http.RequestAborted.IsCancellationRequested && !_expired && TimeLeft > Hair
            ? GatewayErrors.Cancelled()
            : GatewayErrors.DeadlineExceeded();

    public void Dispose()
    {
        // The timer may be ringing this moment: who comes second leaves the source alone.
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _timer.Dispose();
        _aborted.Dispose();
        _over.Dispose();
    }

    private TimeSpan Hair => _timeout / 10 < HairMax ? _timeout / 10 : HairMax;

    private void OnTimer()
    {
        TimeSpan left = TimeLeft;
        if (left <= TimeSpan.Zero)
        {
            _expired = true;
            Cancel();
            return;
        }
        ArmFor(left);
        if (!_alarmSet)
            return; // it rang a little early for the deadline
        (_alarmSet, _rang) = (false, true);
        Signal.Raise();
    }

    // A timer counts whole milliseconds and would ring early, and often, for a part of one.
    private void ArmFor(TimeSpan delay) => _timer.Change(
        delay <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)),
        Timeout.InfiniteTimeSpan);

    private void Cancel()
    {
        try
        {
            if (Volatile.Read(ref _disposed) == 0)
                _over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The request ended between the look and the call: there is nothing left to cancel.
        }
    }
}
