using Lepton.Routing.Balancing;

namespace Lepton.Routing.Health;

/// <summary>
/// How long a place stays out: twice as long each time, up to a bound, with a jitter so that routers don't all come
/// back in one instant. A step is taken back for each time, as long as the last, that it was well. Not thread-safe.
/// </summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max, ChanceSource chance)
{
    // Down to 80 %: the bound holds.
    private const double Jitter = 0.2;

    /// <summary>Steps taken and not taken back.</summary>
    public int Times { get; private set; }

    /// <summary>The last time out.</summary>
    public TimeSpan Last { get; private set; }

    /// <summary>The next time out.</summary>
    public TimeSpan Next()
    {
        Times++;
        Chance draw = chance.Next();
        Last = Whole() * (1 - (Jitter * draw.Next()));
        return Last;
    }

    /// <summary>Takes a step back when <paramref name="well"/> is as long as the last time out was.</summary>
    /// <returns>True when one was taken back: the time counts afresh.</returns>
    public bool Ease(TimeSpan well)
    {
        if (Times == 0 || well < Last)
            return false;
        Times--;
        Last = Whole();
        return true;
    }

    private TimeSpan Whole()
    {
        double seconds = min.TotalSeconds * Math.Pow(2, Math.Min(Math.Max(Times, 1) - 1, 62));
        return TimeSpan.FromSeconds(Math.Min(seconds, max.TotalSeconds));
    }
}
