namespace Lepton.Routing.Health;

/// <summary>
/// What a place answered lately: differences of counters that only rise, sampled at even times. One reader.
/// </summary>
internal sealed class OutcomeWindow
{
    /// <summary>A window is looked at this many times.</summary>
    public const int Samples = 10;

    private readonly (long Good, long Failed)[] _ring = new (long, long)[Samples];
    private int _taken;

    /// <summary>Answers and failures since the window began.</summary>
    public (long Good, long Failed) Slide(long good, long failed)
    {
        int at = _taken % Samples;
        // Before the ring is full, the oldest sample is the zero from which the counters started.
        (long oldGood, long oldFailed) = _taken < Samples ? default : _ring[at];
        _ring[at] = (good, failed);
        _taken++;
        return (good - oldGood, failed - oldFailed);
    }

    /// <summary>Forgets: what comes now is judged by itself.</summary>
    public void Restart(long good, long failed)
    {
        Array.Fill(_ring, (good, failed));
        _taken = Samples;
    }
}
