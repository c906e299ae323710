using Microsoft.Extensions.Options;

namespace Lepton.Routing.Health;

/// <summary>
/// Notices that this process itself was stopped (SIGSTOP, a frozen machine) or starved. What looks like silence or a
/// lost connection then says nothing of the others, until they have had time to be heard again.
/// </summary>
internal sealed class PauseWatch(IOptions<RoutingOptions> options, TimeProvider time)
{
    // The tick comes four times a second: one that comes this late means that we did not run.
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);

    private long _tickedAt = time.GetTimestamp();
    private long _endedAt;

    /// <summary>When the last pause was noticed; 0: never.</summary>
    public long EndedAt => Volatile.Read(ref _endedAt);

    /// <summary>
    /// This process was stopped just now: true from its first instruction afterwards, before anybody called
    /// <see cref="Tick"/>, until every node must have reported again.
    /// </summary>
    public bool InDoubt => time.GetElapsedTime(Volatile.Read(ref _tickedAt)) > PauseMin
        || (EndedAt != 0 && time.GetElapsedTime(EndedAt) < options.Value.SuspectAfter);

    /// <summary>Called several times a second.</summary>
    /// <returns>How long this process was stopped, when it was.</returns>
    public TimeSpan? Tick()
    {
        TimeSpan since = time.GetElapsedTime(_tickedAt);
        Volatile.Write(ref _tickedAt, time.GetTimestamp());
        if (since <= PauseMin)
            return null;
        Volatile.Write(ref _endedAt, time.GetTimestamp());
        return since;
    }
}
