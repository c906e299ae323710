namespace Lepton.Sync.Replication.Spooling;

/// <summary>The newest entries, by their numbers. A queue that can be looked into.</summary>
internal sealed class SpoolTail
{
    private const int CompactFrom = 1024;

    private readonly List<SpoolEntry?> _entries = [];
    private int _head;

    /// <summary>The oldest entry's number; the next one's when it is empty.</summary>
    public long First { get; private set; }

    /// <summary>The number that the next entry gets.</summary>
    public long Next => First + _entries.Count - _head;

    public long Bytes { get; private set; }

    public SpoolEntry? Find(long ordinal) =>
        ordinal >= First && ordinal < Next ? _entries[_head + (int)(ordinal - First)] : null;

    public void Add(SpoolEntry entry)
    {
        _entries.Add(entry);
        Bytes += entry.Size;
    }

    public void DropFirst()
    {
        Bytes -= _entries[_head]?.Size ?? 0;
        _entries[_head] = null;
        (_head, First) = (_head + 1, First + 1);
        if (_head < CompactFrom || _head < _entries.Count / 2)
            return;
        _entries.RemoveRange(0, _head);
        _head = 0;
    }

    /// <summary>Empties it; numbers go on from <paramref name="next"/>.</summary>
    public void Clear(long next)
    {
        _entries.Clear();
        (_head, Bytes, First) = (0, 0, next);
    }
}
