namespace Lepton.Cli.Platform;

/// <summary>When each milestone was reached, and so where the time went.</summary>
internal sealed class StartTimes(TimeProvider time)
{
    private readonly long start = time.GetTimestamp();
    private readonly List<Reached> reached = [];

    public TimeSpan Elapsed => time.GetElapsedTime(start);

    public void Reached(string phase, string name) => reached.Add(new Reached(phase, name, Elapsed));

    /// <summary>
    /// Each phase by the time from the end of the phase before it to its own last milestone. Phases overlap, so a
    /// phase that was done before its predecessor took no time of its own.
    /// </summary>
    public IReadOnlyList<(string Phase, TimeSpan Took, string Last)> Phases()
    {
        List<(string, TimeSpan, string)> phases = [];
        TimeSpan until = TimeSpan.Zero;
        foreach (IGrouping<string, Reached> phase in reached.GroupBy(r => r.Phase))
        {
            Reached last = phase.Last(); // they are noted as they come, so the last is the latest
            TimeSpan took = last.At > until ? last.At - until : TimeSpan.Zero;
            phases.Add((phase.Key, took, last.Name));
            until = last.At > until ? last.At : until;
        }

        return phases;
    }
}
