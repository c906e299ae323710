using Lepton.Routing.Scaling.Signals;

namespace Lepton.Routing.Scaling.Pools;

/// <summary>What a model asks for: what came lately, smoothed. Not thread-safe.</summary>
/// <param name="memory">Time constant of the means.</param>
internal sealed class DemandEstimate(TimeSpan memory, TimeProvider time)
{
    // What nodes report as a rate is the mean of this time.
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(10);

    private readonly Queue<(long At, double Here)> _past = new();
    private long _at;
    private bool _begun;
    private double _answered, _arrivals, _arriving, _inFlight, _service;

    /// <summary>Requests that one execution takes together (dynamic batching), by Little's law; at least 1.</summary>
    public double RequestsPerExecution =>
        _inFlight > 0.05 ? Math.Clamp(_answered * _service / _inFlight, 1, 1024) : 1;

    public void Hear(in ModelSignal signal)
    {
        long now = time.GetTimestamp();
        double kept = _begun ? Math.Exp(-time.GetElapsedTime(_at, now) / memory) : 0;
        (_at, _begun) = (now, true);
        _service = _service == 0 ? signal.ServiceSeconds : Mix(_service, signal.ServiceSeconds);
        _inFlight = Mix(_inFlight, signal.InFlight);
        _answered = Mix(_answered, signal.RequestRate);
        // What came is what went and what is more here than before: answers alone show no more than nodes can do.
        double here = signal.InFlight + signal.Queued;
        _arriving = Math.Max(0, signal.RequestRate + ((here - Before(now, here)) / Span.TotalSeconds));
        _arrivals = Mix(_arrivals, _arriving);
        double Mix(double old, double value) => (old * kept) + (value * (1 - kept));
    }

    /// <summary>What it asks for on average.</summary>
    public Demand Steady(in ModelSignal now) => Of(now, _arrivals);

    /// <summary>What it asks for this moment: never less than on average.</summary>
    public Demand Now(in ModelSignal now) => Of(now, Math.Max(_arrivals, _arriving));

    // Of the newest look that is no younger than the span, or of the oldest there is.
    private double Before(long now, double here)
    {
        while (_past.Count > 1 && time.GetElapsedTime(_past.ElementAt(1).At, now) >= Span)
            _past.Dequeue();
        double before = _past.TryPeek(out (long At, double Here) oldest) ? oldest.Here : here;
        _past.Enqueue((now, here));
        return before;
    }

    private Demand Of(in ModelSignal now, double arrivals)
    {
        double together = RequestsPerExecution;
        return new Demand(arrivals * _service / together, now.Queued / together, Math.Max(_service, 1e-6),
            Math.Max(1, now.Nodes == 0 ? 1 : now.Slots / now.Nodes));
    }
}
