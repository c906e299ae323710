using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Storage;

namespace Lepton.Simulation.Sync;

/// <summary>What a simulated node has on disk. Each method is one transaction: all of it or nothing.</summary>
internal sealed class SimulatedRows(TimeProvider time)
{
    private readonly SortedDictionary<RowKey, StoredRecord> _rows = [];
    private readonly Dictionary<(RowKey, Guid), RecordVersion> _requests = [];
    private readonly SortedDictionary<short, SourceProgress> _progress = [];
    private readonly List<StoredRecord> _stranded = [];
    private readonly List<CapturedTransaction> _log = [];
    private long _greatestClock;
    private readonly List<(DateTimeOffset At, RowKey Key, StoredRecord? Before)> _lately = [];
    private uint _transactions;
    private ulong _position;

    /// <summary>Rows that <see cref="Replace"/> moved away, in the order it did.</summary>
    public IReadOnlyList<StoredRecord> Stranded => _stranded;

    /// <summary>Committed transactions as change capture shows them, but for those that it may forget.</summary>
    public IReadOnlyList<CapturedTransaction> Log => _log;

    public long GreatestClock => _greatestClock;

    public IReadOnlyList<SourceProgress> Progress => [.. _progress.Values];

    /// <summary>Where the log ends.</summary>
    public LogPosition LogEnd => new(_position);

    /// <summary>Every row that is here.</summary>
    public IReadOnlyCollection<StoredRecord> All => _rows.Values;

    /// <summary>Told of each row as it is committed.</summary>
    public Action<StoredRecord>? Kept { get; set; }

    /// <summary>Told after each commit that the log shows.</summary>
    public Action? Logged { get; set; }

    public void ForgetLog(LogPosition upTo) => _log.RemoveAll(t => t.Position <= upTo);

    /// <summary>A mark in the log, as change capture writes them.</summary>
    public LogPosition Mark() => new(_position += 8);

    /// <summary>As a server that lies about its disk: what was committed within this time is gone.</summary>
    public void Forget(TimeSpan within)
    {
        var since = time.GetUtcNow() - within;
        for (int i = _lately.Count - 1; within > TimeSpan.Zero && i >= 0 && _lately[i].At >= since; i--)
        {
            if (_lately[i].Before is { } before)
                _rows[_lately[i].Key] = before;
            else
                _rows.Remove(_lately[i].Key);
        }
        _lately.Clear();
        if (within > TimeSpan.Zero)
            _log.RemoveAll(t => t.CommitTime >= since);
    }

    public StoredRecord? Find(ClassId recordClass, ReadOnlyMemory<byte> key) =>
        _rows.GetValueOrDefault(new RowKey(recordClass.Value, key));

    public HomeCommit Write(IReadOnlyList<HomeWrite> writes)
    {
        var keys = writes.Select(w => RowKey.Of(w.Record)).ToHashSet();
        if (keys.Count < writes.Count)
            throw new InvalidOperationException("A batch has each key once.");
        List<StoredRecord> changed = [];
        HomeWriteResult[] results = [.. writes.Select(w => Write(w, changed))];
        bool isShown = changed.Count > 0 || results.Any(r => r.Verdict == HomeVerdict.Repeated);
        return new HomeCommit(Commit(changed, isShown), results);
    }

    public int Apply(SourceProgress progress, IReadOnlyList<StoredRecord> records)
    {
        List<StoredRecord> changed = [];
        var known = _progress.GetValueOrDefault(progress.Source.Value);
        bool isLate = known is not null && known.Timeline == progress.Timeline && known.Position > progress.Position;
        foreach (var record in isLate ? [] : records)
            Take(record, changed);
        if (known is null || known.Timeline != progress.Timeline || known.Position < progress.Position)
            _progress[progress.Source.Value] = progress;
        Commit(changed, changed.Count > 0);
        return changed.Count;
    }

    public IEnumerable<StoredRecord> Scan(ScanRange range) => _rows.Values.Where(r =>
        r.Class == range.Class && (range.Slots is null || range.Slots.Contains(r.Slot))
        && r.Key.Span.StartsWith(range.Prefix.Span) && r.Key.Span.SequenceCompareTo(range.After.Span) > 0
        && (range.Tombstones || r.Kind == RecordKind.Value));

    public IEnumerable<StoredRecord> Sealed(IReadOnlyList<KeyId> keyIds, StoredRecord? after) => _rows.Values.Where(r =>
        r.Kind == RecordKind.Value && r.KeyId != KeyId.None && keyIds.Contains(r.KeyId)
        && (after is null || RowKey.Of(r).CompareTo(RowKey.Of(after)) > 0));

    public int DropTombstones(ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit)
    {
        RowKey[] over = [.. _rows.Where(r => r.Key.Class == recordClass.Value && slots.Contains(r.Value.Slot)
            && r.Value.Kind == RecordKind.Tombstone && r.Value.Version.Clock < before).Select(r => r.Key).Take(limit)];
        foreach (var key in over)
            _rows.Remove(key);
        return over.Length;
    }

    public int Replace(ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows)
    {
        var theirs = rows.ToDictionary(RowKey.Of, r => r.Version);
        StoredRecord[] left = [.. _rows.Values.Where(r => r.Class == recordClass && r.Slot == slot
            && theirs.GetValueOrDefault(RowKey.Of(r)) < r.Version)];
        StoredRecord[] writes = [.. left.Where(
            r => r.Kind == RecordKind.Value || theirs.ContainsKey(RowKey.Of(r)))];
        _stranded.AddRange(writes);
        foreach (var row in left)
        {
            var key = RowKey.Of(row);
            _rows.Remove(key);
            var kept = theirs.GetValueOrDefault(key);
            foreach (var request in _requests.Where(q => q.Key.Item1.Equals(key) && q.Value > kept).ToArray())
                _requests.Remove(request.Key);
        }
        List<StoredRecord> changed = [];
        foreach (var row in rows)
            Take(row, changed);
        Commit(changed, changed.Count > 0);
        return writes.Length;
    }

    private HomeWriteResult Write(HomeWrite write, List<StoredRecord> changed)
    {
        var record = write.Record;
        var key = RowKey.Of(record);
        if (record.RequestId != Guid.Empty && _requests.TryGetValue((key, record.RequestId), out var first))
            return new HomeWriteResult(HomeVerdict.Repeated, first);
        var row = _rows.GetValueOrDefault(key);
        var value = row?.Kind == RecordKind.Value ? row.Version : RecordVersion.None;
        if (row?.Version >= record.Version || (write.Expected is { } expected && expected != value))
            return new HomeWriteResult(HomeVerdict.Conflict, value);
        Take(record, changed);
        return new HomeWriteResult(HomeVerdict.Done, record.Version);
    }

    private void Take(StoredRecord record, List<StoredRecord> changed)
    {
        var key = RowKey.Of(record);
        if (record.RequestId != Guid.Empty)
            _requests.TryAdd((key, record.RequestId), record.Version);
        _greatestClock = Math.Max(_greatestClock, record.Version.Clock);
        if (_rows.GetValueOrDefault(key)?.Version >= record.Version)
            return;
        _lately.Add((time.GetUtcNow(), key, _rows.GetValueOrDefault(key)));
        _rows[key] = record;
        changed.Add(record);
        Kept?.Invoke(record);
    }

    private uint Commit(List<StoredRecord> changed, bool isShown)
    {
        _transactions++;
        _position += 64;
        if (!isShown)
            return _transactions;
        _log.Add(new CapturedTransaction(_transactions, new LogPosition(_position), time.GetUtcNow(), changed));
        Logged?.Invoke();
        return _transactions;
    }

    private readonly record struct RowKey(short Class, ReadOnlyMemory<byte> Key) : IComparable<RowKey>
    {
        public static RowKey Of(StoredRecord record) => new(record.Class.Value, record.Key);

        public int CompareTo(RowKey other) => Class == other.Class
            ? Key.Span.SequenceCompareTo(other.Key.Span)
            : Class.CompareTo(other.Class);

        public bool Equals(RowKey other) => CompareTo(other) == 0;

        public override int GetHashCode() => HashCode.Combine(Class, Key.Length, Key.Length > 0 ? Key.Span[^1] : 0);
    }
}
