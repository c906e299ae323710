using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Storage;

/// <summary>
/// What a store should hold, the slow way: everything that ever took effect, in order, and every question answered by
/// going through it. Of one class.
/// </summary>
internal sealed class NaiveModel
{
    private readonly List<StoredRecord> _effects = [];
    private readonly List<(string Key, Guid Request, RecordVersion Version)> _requests = [];
    private readonly List<SourceProgress> _progress = [];

    public StoredRecord? Find(string key) => _effects.LastOrDefault(e => KeyOf(e) == key);

    public IEnumerable<StoredRecord> Rows => _effects.Select(KeyOf).Distinct().Order(StringComparer.Ordinal)
        .Select(k => Find(k)!);

    public IEnumerable<SourceProgress> Progress => _progress.OrderBy(p => p.Source.Value);

    public List<HomeWriteResult> Write(IEnumerable<HomeWrite> writes) => [.. writes.Select(Write)];

    public void Apply(SourceProgress progress, IEnumerable<StoredRecord> records)
    {
        SourceProgress? known = _progress.Find(p => p.Source == progress.Source);
        if (known is not null && known.Timeline == progress.Timeline && known.Position > progress.Position)
            return; // it comes late
        foreach (StoredRecord record in records)
            Take(record);
        if (known is not null && known.Timeline == progress.Timeline && known.Position >= progress.Position)
            return;
        _progress.RemoveAll(p => p.Source == progress.Source);
        _progress.Add(progress);
    }

    public int DropTombstones(SlotId slot, long before)
    {
        StoredRecord[] over = [.. Rows.Where(
            r => r.Kind == RecordKind.Tombstone && r.Slot == slot && r.Version.Clock < before)];
        _effects.RemoveAll(e => over.Any(o => KeyOf(o) == KeyOf(e)));
        return over.Length;
    }

    public int Replace(SlotId slot, IReadOnlyList<StoredRecord> rows)
    {
        int stranded = 0;
        foreach (StoredRecord ours in Rows.Where(r => r.Slot == slot).ToArray())
        {
            StoredRecord? theirs = rows.FirstOrDefault(r => KeyOf(r) == KeyOf(ours));
            if (theirs is not null && theirs.Version >= ours.Version)
                continue;
            if (ours.Kind == RecordKind.Value || theirs is not null)
                stranded++;
            _effects.RemoveAll(e => KeyOf(e) == KeyOf(ours));
            _requests.RemoveAll(q => q.Key == KeyOf(ours) && q.Version > (theirs?.Version ?? RecordVersion.None));
        }
        foreach (StoredRecord row in rows)
            Take(row);
        return stranded;
    }

    public static string KeyOf(StoredRecord record) => Encoding.UTF8.GetString(record.Key.Span);

    private HomeWriteResult Write(HomeWrite write)
    {
        StoredRecord record = write.Record;
        string key = KeyOf(record);
        if (record.RequestId != Guid.Empty && _requests.Any(q => q.Key == key && q.Request == record.RequestId))
            return new HomeWriteResult(
                HomeVerdict.Repeated, _requests.First(q => q.Key == key && q.Request == record.RequestId).Version);
        StoredRecord? row = Find(key);
        RecordVersion value = row is { Kind: RecordKind.Value } ? row.Version : RecordVersion.None;
        bool isWrong = write.Expected is { } expected && expected != value;
        if (isWrong || (row is not null && row.Version >= record.Version))
            return new HomeWriteResult(HomeVerdict.Conflict, value);
        Take(record);
        return new HomeWriteResult(HomeVerdict.Done, record.Version);
    }

    private void Take(StoredRecord record)
    {
        string key = KeyOf(record);
        if (record.RequestId != Guid.Empty && !_requests.Any(q => q.Key == key && q.Request == record.RequestId))
            _requests.Add((key, record.RequestId, record.Version));
        if (Find(key) is not { } row || row.Version < record.Version)
            _effects.Add(record);
    }
}
