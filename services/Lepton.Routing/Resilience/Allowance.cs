namespace Lepton.Routing.Resilience;

/// <summary>
/// What a place is given of the time left: less than all of it, so that it gives up first and its answer still finds
/// somebody who waits. Computed anew for each attempt from the one deadline: a retry gets what is left, never more.
/// </summary>
internal static class Allowance
{
    // Of a very short deadline the way may take a quarter; a place that gets nothing has no chance at all.
    private const double ShareMax = 0.25;

    /// <param name="left">Until the caller's deadline.</param>
    /// <param name="roundTripSeconds">To the place, as learned; 0: unknown.</param>
    /// <param name="options">The bounds.</param>
    public static TimeSpan TimeoutFor(TimeSpan left, double roundTripSeconds, DeadlineOptions options)
    {
        if (left <= TimeSpan.Zero)
            return TimeSpan.Zero;
        // Half a round trip: the answer's way back.
        TimeSpan back = TimeSpan.FromSeconds(roundTripSeconds / 2);
        TimeSpan kept = back < options.AllowanceMin ? options.AllowanceMin : back;
        kept = kept > options.AllowanceMax ? options.AllowanceMax : kept;
        TimeSpan most = left * ShareMax;
        return left - (kept < most ? kept : most);
    }

    /// <summary>No place has answered this model in twice that time: sending it would be work for nobody.</summary>
    public static bool IsTooShort(TimeSpan left, double fastestSeconds) => left.TotalSeconds < fastestSeconds / 2;
}
