using System.Diagnostics;
using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Http2;
using Lepton.Routing.Resilience;

namespace Lepton.Routing.Gateway;

/// <summary>
/// One attempt to have a request served: where it goes, what came back, how it failed. Two may run at once; each is
/// ended once, by whoever comes first, and gives its memory back when both its run and its request are over.
/// </summary>
internal sealed class Attempt : IDisposable
{
    private readonly CallSignal _signal;
    private readonly CancellationTokenSource _stop;
    private CancellationTokenRegistration _gone;
    private volatile bool _done;
    private volatile bool _isGone;
    private int _ended;
    private int _left = 2; // its run, and its request

    public Attempt(GatewayCall call, Place place, Candidate candidate, int number, bool hedge, long startedAt)
    {
        (Place, Candidate, Number, IsHedge, StartedAt) = (place, candidate, number, hedge, startedAt);
        _signal = call.Signal;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
    }

    public Place Place { get; }

    public Candidate Candidate { get; }

    /// <summary>From 1.</summary>
    public int Number { get; }

    public bool IsHedge { get; }

    public long StartedAt { get; }

    public CancellationToken Cancellation => _stop.Token;

    public Activity? Activity { get; set; }

    /// <summary>The exchange with its place, once the request is on its way.</summary>
    public Exchange? Answer { get; set; }

    /// <summary>The whole answer was here when the run was over: up to then nothing of it was passed on.</summary>
    public bool IsWhole { get; set; }

    /// <summary>Good once <see cref="IsDone"/>.</summary>
    public Failure Failure { get; private set; }

    /// <summary>What the caller is told where no other attempt helps; null: by <see cref="Failure"/>.</summary>
    public RpcException? Error { get; private set; }

    /// <summary>Something that is nobody's foreseen failure; the request ends with it.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Its status, as far as it is known while its end is held back.</summary>
    public StatusCode? Status { get; set; }

    /// <summary>The run is over: failed, or with an answer to pass on.</summary>
    public bool IsDone => _done;

    public bool IsEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>The place went out while it worked.</summary>
    public bool IsGone => _isGone;

    /// <summary>Something to pass on, if nothing better comes.</summary>
    public bool HasAnswer => _done && Answer is not null && (Status is not null || !IsWhole) && Fault is null;

    /// <summary>Has the place's departure raise the request's signal.</summary>
    public void WatchDeparture() =>
        _gone = Candidate.Lane.Gone.UnsafeRegister(static attempt => (attempt as Attempt)?.OnGone(), this);

    public void Fail(Failure failure) => Failure = failure;

    public void Fail(RpcException error) => (Failure, Error) = (Failure.Refused, error);

    public void Fail(Exception fault) => Fault = fault;

    /// <summary>The run is over.</summary>
    public void Finish()
    {
        _done = true;
        _signal.Raise();
        Leave();
    }

    /// <summary>True for the first who ends it: only that one books its end.</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _ended, 1) == 0;

    /// <summary>Stops the run, if it still is.</summary>
    public void Dispose()
    {
        if (!_done)
            _stop.Cancel();
        Leave();
    }

    private void OnGone()
    {
        _isGone = true;
        // Off the thread that tells: it holds the registry's lock, and there are others to tell.
        ThreadPool.UnsafeQueueUserWorkItem(static signal => signal.Raise(), _signal, preferLocal: false);
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _left) != 0)
            return;
        _gone.Dispose();
        Answer?.Dispose();
        Activity?.Dispose();
        _stop.Dispose();
    }
}
