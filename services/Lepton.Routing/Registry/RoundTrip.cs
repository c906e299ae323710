namespace Lepton.Routing.Registry;

/// <summary>Smooths measured round trips.</summary>
internal static class RoundTrip
{
    // TCP's own gain (RFC 6298): an eighth of each new sample.
    private const double Gain = 0.125;

    /// <summary>
    /// A sample below the average is taken at once: a round trip is never shorter than the way is long.
    /// </summary>
    public static double Smooth(double average, double sample) =>
        average == 0 || sample < average ? sample : average + (Gain * (sample - average));
}
