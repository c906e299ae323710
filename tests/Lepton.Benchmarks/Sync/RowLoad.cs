using System.Globalization;
using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Benchmarks.Sync;

/// <summary>Rows of 1 KiB that compress no more, as sealed ones do, each of a key of its own.</summary>
/// <param name="recordClass">Their class.</param>
/// <param name="slots">Their slots, in turns, each with its home's term.</param>
/// <param name="keyId">What they are said to be sealed with.</param>
internal sealed class RowLoad(ClassId recordClass, IReadOnlyList<(SlotId Slot, long Term)> slots, KeyId keyId)
{
    public const int BodyBytes = 1024;
    private const int TransactionRows = 1000;
    private const int Writers = 4;

    private readonly Random _random = new(17);
    private long _made;

    public ClassId Class => recordClass;

    /// <summary>Of class 0, in all slots, by a key that nobody has.</summary>
    public static RowLoad OfAllSlots() => new(new ClassId(0),
        [.. Enumerable.Range(0, SlotId.Count).Select(s => (new SlotId((short)s), 1L))], new KeyId(Guid.NewGuid()));

    /// <summary>The next rows.</summary>
    public StoredRecord[] Make(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <summary>Writes them by four connections, a thousand a transaction, as a busy home does.</summary>
    public static async Task WriteAsync(IRecordStore store, StoredRecord[] rows)
    {
        StoredRecord[][] transactions = [.. rows.Chunk(TransactionRows)];
        int next = -1;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < transactions.Length)
                await WriteOnceAsync(store, transactions[i]);
        })));
    }

    /// <summary>Writes them in one transaction.</summary>
    public static async Task WriteOnceAsync(IRecordStore store, StoredRecord[] rows)
    {
        HomeCommit commit = await store.WriteAsync([.. rows.Select(r => new HomeWrite(r, null))], default);
        if (commit.Results.Any(r => r.Verdict != HomeVerdict.Done))
            throw new InvalidOperationException("A row of the load was not written.");
    }

    private StoredRecord Next()
    {
        byte[] body = new byte[BodyBytes];
        _random.NextBytes(body);
        long number = ++_made;
        (SlotId slot, long term) = slots[(int)(number % slots.Count)];
        StoredRecord record = new()
        {
            Class = recordClass, Slot = slot,
            Key = Encoding.UTF8.GetBytes(number.ToString("D16", CultureInfo.InvariantCulture)),
            Version = new RecordVersion(term, number), Kind = RecordKind.Value, KeyId = keyId, Body = body,
            RequestId = Guid.Empty, Sha256 = default,
        };
        return record with { Sha256 = StoredRecord.Digest(record) };
    }
}
