namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// The different names seen last, no more than a rule looks at, by hashes that start with the process: nobody can
/// choose names that collide.
/// </summary>
internal sealed class RecentNames(int max)
{
    private readonly List<(int Hash, long Ticks)> _names = new(1);
    private long _latest;

    /// <summary>Adds a name and says how many different ones, up to <c>max</c>, lie within the window.</summary>
    public int Add(string name, DateTimeOffset time, TimeSpan window)
    {
        _latest = Math.Max(_latest, time.UtcTicks);
        int hash = HashOf(name);
        int at = _names.FindIndex(n => n.Hash == hash);
        if (at >= 0)
            _names.RemoveAt(at);
        else if (_names.Count == max)
            _names.RemoveAt(0); // ordered by time: the oldest
        _names.Add((hash, _latest));
        int count = 0;
        while (count < _names.Count && _latest - _names[^(count + 1)].Ticks <= window.Ticks)
            count++;
        return count;
    }

    /// <summary>Forgets a name.</summary>
    public void Remove(string name)
    {
        int hash = HashOf(name);
        int at = _names.FindIndex(n => n.Hash == hash);
        if (at >= 0)
            _names.RemoveAt(at);
    }

    private static int HashOf(string name) => string.GetHashCode(name, StringComparison.Ordinal);
}
