using Lepton.Routing.Scaling.Signals;

namespace Lepton.Routing.Scaling.Pools;

/// <summary>
/// What a model asks for, smoothed: means of what it was, with memory of a time constant. Not thread-safe.
/// </summary>
internal sealed class DemandEstimate(TimeSpan memory, TimeProvider time)
{
    private long _at;
    private bool _begun;
    private double _rate, _inFlight, _service;

    /// <summary>Requests that one execution takes together (dynamic batching), by Little's law; at least 1.</summary>
    public double RequestsPerExecution =>
        _inFlight > 0.05 ? Math.Clamp(_rate * _service / _inFlight, 1, 1024) : 1;

    public void Hear(in ModelSignal signal)
    {
        long now = time.GetTimestamp();
        double kept = _begun ? Math.Exp(-time.GetElapsedTime(_at, now) / memory) : 0;
        (_at, _begun) = (now, true);
        _rate = Mix(_rate, signal.RequestRate);
        _inFlight = Mix(_inFlight, signal.InFlight);
        _service = _service == 0 ? signal.ServiceSeconds : Mix(_service, signal.ServiceSeconds);
        double Mix(double old, double value) => (old * kept) + (value * (1 - kept));
    }

    /// <summary>What it asks for on average.</summary>
    public Demand Steady(in ModelSignal now) => Of(now, _rate, _inFlight);

    /// <summary>What it asks for this moment: never less than on average.</summary>
    public Demand Now(in ModelSignal now) => Of(now, Math.Max(_rate, now.RequestRate), _inFlight);

    private Demand Of(in ModelSignal now, double rate, double inFlight)
    {
        double together = RequestsPerExecution;
        // What runs counts where no rate was measured yet, or where requests take no time that could be told.
        double load = Math.Max(rate * _service / together, Math.Min(inFlight, now.Slots));
        return new Demand(load, now.Queued / together, Math.Max(_service, 1e-6),
            Math.Max(1, now.Nodes == 0 ? 1 : now.Slots / now.Nodes));
    }
}
