using System.Text;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>Rows as a home would make them, sealed with nothing but a digest.</summary>
internal static class Rows
{
    /// <summary>A whole row. Its clock orders it among the rows of its key.</summary>
    public static StoredRecord Make(int recordClass, int slot, string key, long clock, int bytes = 100, long term = 1,
        KeyId keyId = default, RecordKind kind = RecordKind.Value)
    {
        byte[] body = new byte[bytes];
        new Random(HashCode.Combine(key.Length, (int)clock)).NextBytes(body);
        StoredRecord row = new()
        {
            Class = new ClassId((short)recordClass),
            Slot = new SlotId((short)slot),
            Key = Encoding.UTF8.GetBytes(key),
            Version = new RecordVersion(term, clock),
            Kind = kind,
            KeyId = keyId,
            Body = body,
            RequestId = Guid.Empty,
            Sha256 = new byte[32],
        };
        return row with { Sha256 = StoredRecord.Digest(row) };
    }

    /// <summary>What must be the same of two nodes' rows, in the order of their keys.</summary>
    public static string Digest(IEnumerable<StoredRecord> rows) => string.Join('\n', rows.Select(r =>
        $"{r.Class.Value} {r.Slot.Value} {Encoding.UTF8.GetString(r.Key.Span)} {r.Version} {r.Kind} "
        + Convert.ToHexString(r.Sha256.Span)));
}
