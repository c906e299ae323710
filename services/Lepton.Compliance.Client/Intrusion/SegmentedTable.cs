namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// A map of bounded size in two halves (segmented LRU; Karedla, Love and Wherry 1994): who is seen once is on trial,
/// who is seen again is kept. Names that are invented once each push out only each other.
/// </summary>
internal sealed class SegmentedTable<TKey, TValue>(int max, IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
    where TValue : class
{
    private readonly RecentTable<TKey, TValue> _trial = new(Math.Max(1, max / 2), comparer);
    private readonly RecentTable<TKey, TValue> _kept = new(Math.Max(1, max - (max / 2)), comparer);

    public int Count => _trial.Count + _kept.Count;

    /// <summary>The value, without it counting as seen; null when there is none.</summary>
    public TValue? Peek(TKey key) =>
        _kept.TryPeek(key, out TValue? kept) ? kept : _trial.TryPeek(key, out TValue? tried) ? tried : null;

    /// <summary>The value, as seen now, made when there is none.</summary>
    public TValue See(TKey key, Func<TValue> make)
    {
        if (_kept.TryUse(key, out TValue? kept))
            return kept;
        if (!_trial.TryPeek(key, out TValue? value))
        {
            value = make();
            _trial.Put(key, value, out _);
            return value;
        }
        _trial.Remove(key);
        // Who loses the place among the kept has another trial.
        if (_kept.Put(key, value, out (TKey Key, TValue Value) evicted))
            _trial.Put(evicted.Key, evicted.Value, out _);
        return value;
    }

    public void Remove(TKey key)
    {
        if (!_kept.Remove(key))
            _trial.Remove(key);
    }
}
