using Google.Protobuf;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication;

/// <summary>
/// Rows as bytes on the wire and in the spool. A row is encoded once, with the tag that makes it an element of a
/// RecordBatch: a batch is its rows' bytes one after another, whoever it is for.
/// </summary>
internal static class RowCodec
{
    private const int IdBytes = 16;
    private const int DigestBytes = 32;

    /// <summary>A row as an element of a RecordBatch.</summary>
    public static byte[] Encode(StoredRecord record)
    {
        var row = ToRow(record);
        var size = row.CalculateSize();
        var bytes = new byte[1 + CodedOutputStream.ComputeLengthSize(size) + size];
        using var output = new CodedOutputStream(bytes);
        output.WriteTag(V1.RecordBatch.RowsFieldNumber, WireFormat.WireType.LengthDelimited);
        output.WriteMessage(row);
        output.Flush();
        return bytes;
    }

    /// <summary>A batch's rows; null: it is no batch of rows.</summary>
    public static List<StoredRecord>? Decode(ReadOnlyMemory<byte> batch)
    {
        try
        {
            // The bytes are never written again, and rows may share them.
            var message = V1.RecordBatch.Parser.ParseFrom(UnsafeByteOperations.UnsafeWrap(batch));
            List<StoredRecord> records = new(message.Rows.Count);
            foreach (var row in message.Rows)
            {
                if (ToRecord(row) is not { } record)
                    return null;
                records.Add(record);
            }
            return records;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    public static V1.StoredRow ToRow(StoredRecord record) => new()
    {
        ClassId = record.Class.Value,
        Slot = record.Slot.Value,
        Key = UnsafeByteOperations.UnsafeWrap(record.Key),
        Term = record.Version.Term,
        Clock = record.Version.Clock,
        KeyId = ToBytes(record.KeyId.Value),
        Kind = (int)record.Kind,
        Body = UnsafeByteOperations.UnsafeWrap(record.Body),
        Sha256 = UnsafeByteOperations.UnsafeWrap(record.Sha256),
        RequestId = ToBytes(record.RequestId),
    };

    /// <summary>The row; null: a field is out of its range.</summary>
    public static StoredRecord? ToRecord(V1.StoredRow row) =>
        row.ClassId is >= 0 and <= short.MaxValue && row.Slot is >= 0 and < SlotId.Count
        && row.Key.Length is > 0 and <= StoredRecord.KeyBytesMax && row.Term > 0 && row.Clock > 0
        && row.Kind is (0 or 1) && row.Sha256.Length == DigestBytes
        && TryGuid(row.KeyId, out var keyId) && TryGuid(row.RequestId, out var requestId)
            ? new StoredRecord
            {
                Class = new ClassId((short)row.ClassId),
                Slot = new SlotId((short)row.Slot),
                Key = row.Key.Memory,
                Version = new RecordVersion(row.Term, row.Clock),
                Kind = (RecordKind)row.Kind,
                KeyId = new KeyId(keyId),
                Body = row.Body.Memory,
                Sha256 = row.Sha256.Memory,
                RequestId = requestId,
            }
            : null;

    /// <summary>An id as 16 bytes, big-endian; the empty one as none.</summary>
    public static ByteString ToBytes(Guid id) =>
        id == Guid.Empty ? ByteString.Empty : ByteString.CopyFrom(id.ToByteArray(bigEndian: true));

    /// <summary>The reverse.</summary>
    public static bool TryGuid(ByteString bytes, out Guid id)
    {
        id = bytes.Length == IdBytes ? new Guid(bytes.Span, bigEndian: true) : Guid.Empty;
        return bytes.Length is 0 or IdBytes;
    }
}
