namespace Lepton.Routing.Balancing;

/// <summary>What a router can tell of a service time from outside.</summary>
internal static class ServiceEstimate
{
    // Nothing is served in less; keeps a weight finite where clock and round trip disagree.
    private const double SecondsMin = 1e-6;

    /// <summary>
    /// The whole time, without the way there, and without the wait behind requests that were booked before.
    /// </summary>
    /// <param name="elapsedSeconds">From sending to the answer's end.</param>
    /// <param name="candidate">The place, for its round trip and slots.</param>
    /// <param name="ahead">Requests under way there when this one was booked.</param>
    public static double Seconds(double elapsedSeconds, Candidate candidate, int ahead)
    {
        double rounds = 1 + Math.Max(0, (ahead + 1 - candidate.SlotsThere) / (double)candidate.SlotsThere);
        return Math.Max((elapsedSeconds - candidate.RoundTripSeconds) / rounds, SecondsMin);
    }
}
