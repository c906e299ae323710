namespace Lepton.Routing.Http2;

/// <summary>What is to be done about a connection now.</summary>
internal enum Vitality { Well, Ask, Idle, Dead }

/// <summary>
/// When a silent peer is asked whether it lives, and given up: within 15 s of its last sign, while somebody waits for
/// it. Called under the connection's lock.
/// </summary>
internal sealed class KeepAlive(TimeProvider time)
{
    /// <summary>How often to look.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2.5);

    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(7.5);
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(5);

    private long _heardAt = time.GetTimestamp();
    private long _askedAt;
    private bool _asked;

    /// <summary>Something came, or somebody begins to wait.</summary>
    public void Heard() => (_heardAt, _asked) = (time.GetTimestamp(), false);

    /// <param name="isUsed">Somebody waits for an answer.</param>
    public Vitality Look(bool isUsed)
    {
        TimeSpan silence = time.GetElapsedTime(_heardAt);
        if (!isUsed)
            return silence >= IdleMax ? Vitality.Idle : Vitality.Well;
        if (_asked)
            return time.GetElapsedTime(_askedAt) >= AnswerMax ? Vitality.Dead : Vitality.Well;
        if (silence < SilenceMax)
            return Vitality.Well;
        (_asked, _askedAt) = (true, time.GetTimestamp());
        return Vitality.Ask;
    }
}
