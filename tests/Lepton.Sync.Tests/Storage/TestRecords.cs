using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Storage;

/// <summary>Rows as a home would make them, in a few words.</summary>
internal static class TestRecords
{
    public static readonly ClassId Class = new(3);
    public static readonly SlotId Slot = new(77);

    public static ReadOnlyMemory<byte> Key(string key) => Encoding.UTF8.GetBytes(key);

    public static RecordVersion Version(long clock, long term = 1) => new(term, clock);

    public static StoredRecord Value(
        string key, RecordVersion version, string body = "body", Guid request = default, short slot = 77,
        KeyId keyId = default, short recordClass = 3) => Make(new StoredRecord
        {
            Class = new ClassId(recordClass),
            Slot = new SlotId(slot),
            Key = Key(key),
            Version = version,
            Kind = RecordKind.Value,
            KeyId = keyId == KeyId.None ? new KeyId(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11])) : keyId,
            Body = Encoding.UTF8.GetBytes(body),
            RequestId = request,
            Sha256 = default,
        });

    public static StoredRecord Tombstone(
        string key, RecordVersion version, Guid request = default, short slot = 77) => Make(new StoredRecord
        {
            Class = Class,
            Slot = new SlotId(slot),
            Key = Key(key),
            Version = version,
            Kind = RecordKind.Tombstone,
            KeyId = KeyId.None,
            Body = default,
            RequestId = request,
            Sha256 = default,
        });

    /// <summary>With its digest.</summary>
    public static StoredRecord Make(StoredRecord record) => record with { Sha256 = StoredRecord.Digest(record) };

    public static async Task<HomeWriteResult> PutAsync(
        this IRecordStore store, StoredRecord record, RecordVersion? expected = null) =>
        (await store.WriteAsync([new HomeWrite(record, expected)], CancellationToken.None)).Results[0];

    public static async Task<StoredRecord?> FindAsync(this IRecordStore store, string key) =>
        (await store.ReadAsync(Class, [Key(key)], CancellationToken.None))[0];

    public static async Task<string[]> KeysAsync(
        this IRecordStore store, string prefix = "", string after = "", bool tombstones = false, int limit = 1000,
        IReadOnlyList<SlotId>? slots = null) =>
        [.. (await store.ScanAsync(
            new ScanRange(Class, slots, Key(prefix), Key(after), tombstones), limit, CancellationToken.None))
            .Select(r => Encoding.UTF8.GetString(r.Key.Span))];

    /// <summary>The same row, byte for byte?</summary>
    public static bool IsSame(this StoredRecord? a, StoredRecord? b) => a is null || b is null
        ? a is null && b is null
        : a.Class == b.Class && a.Slot == b.Slot && a.Version == b.Version && a.Kind == b.Kind && a.KeyId == b.KeyId
            && a.RequestId == b.RequestId && a.Key.Span.SequenceEqual(b.Key.Span)
            && a.Body.Span.SequenceEqual(b.Body.Span) && a.Sha256.Span.SequenceEqual(b.Sha256.Span);
}
