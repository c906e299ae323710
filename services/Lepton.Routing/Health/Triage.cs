namespace Lepton.Routing.Health;

/// <summary>How an allowed place that has the model stands.</summary>
/// <param name="Suspect">Silent, or the stream to it is down.</param>
/// <param name="Ejected">As an outlier.</param>
/// <param name="Circuit">Of the model there.</param>
/// <param name="Slowness">1 or more: how much its failures are held against it now.</param>
internal readonly record struct Standing(bool Suspect, bool Ejected, CircuitState Circuit, double Slowness);

/// <summary>What becomes of a place in one view.</summary>
internal enum Verdict
{
    Use,
    Suspect,
    Ejected,
    CircuitOpen,
}

/// <summary>
/// Who of the allowed places is a candidate and who a last resort. It chooses among those it is given, which residency
/// has allowed, and can add nobody. Pure.
/// </summary>
internal static class Triage
{
    /// <returns>True for a panic: so few were healthy that ejections and circuits were ignored.</returns>
    public static bool Sort(ReadOnlySpan<Standing> places, Span<Verdict> verdicts, EjectionOptions options)
    {
        for (int i = 0; i < places.Length; i++)
            verdicts[i] = places[i] switch
            {
                { Suspect: true } => Verdict.Suspect,
                { Ejected: true } => Verdict.Ejected,
                { Circuit: not CircuitState.Closed } => Verdict.CircuitOpen,
                _ => Verdict.Use,
            };
        KeepShare(places, verdicts, options.ShareMax);

        int healthy = verdicts[..places.Length].Count(Verdict.Use);
        bool ignored = false;
        if (healthy * 100 < options.PanicThreshold * places.Length)
            for (int i = 0; i < places.Length; i++)
                if (verdicts[i] is Verdict.Ejected or Verdict.CircuitOpen)
                    (verdicts[i], ignored) = (Verdict.Use, true);
        return ignored;
    }

    // Ejected beyond the permitted share are let in again, the least failing first.
    private static void KeepShare(ReadOnlySpan<Standing> places, Span<Verdict> verdicts, int shareMax)
    {
        int max = places.Length < 2 ? 0 : Math.Max(1, places.Length * shareMax / 100);
        for (int over = verdicts[..places.Length].Count(Verdict.Ejected) - max; over > 0; over--)
        {
            int best = -1;
            for (int i = 0; i < places.Length; i++)
                if (verdicts[i] == Verdict.Ejected && (best < 0 || places[i].Slowness < places[best].Slowness))
                    best = i;
            verdicts[best] = places[best].Circuit == CircuitState.Closed ? Verdict.Use : Verdict.CircuitOpen;
        }
    }
}
