using System.Buffers;
using System.Buffers.Binary;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Spooling;

/// <param name="Class">Its class.</param>
/// <param name="Slot">Its slot.</param>
/// <param name="Wire">The row, as <see cref="RowCodec.Encode"/> made it.</param>
internal readonly record struct SpoolRow(ClassId Class, SlotId Slot, ReadOnlyMemory<byte> Wire)
{
    /// <summary>The row.</summary>
    /// <exception cref="InvalidDataException">The bytes are no row.</exception>
    public StoredRecord Read() => RowCodec.Decode(Wire) is [var record]
        ? record
        : throw new InvalidDataException("A row of the spool cannot be read.");
}

/// <summary>A transaction, a piece of one, or (without rows) a mark: all that was committed to here came.</summary>
/// <param name="Position">As of <see cref="CapturedTransaction"/>.</param>
/// <param name="Time">When it was committed; of a mark its time.</param>
/// <param name="TransactionId">Its xid; 0: a mark.</param>
/// <param name="IsComplete">Nothing of the transaction follows.</param>
/// <param name="Rows">In order.</param>
internal sealed record SpoolEntry(
    LogPosition Position, DateTimeOffset? Time, uint TransactionId, bool IsComplete, IReadOnlyList<SpoolRow> Rows)
{
    /// <summary>Length and checksum.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Beyond this a length is damage: a piece has 1,000 rows or 4 MiB and one row more.</summary>
    public const int PayloadBytesMax = 64 << 20;

    private const int FixedBytes = 8 + 8 + 4 + 1 + 4;
    private const int RowBytes = 2 + 2 + 4;

    public bool IsMark => TransactionId == 0;

    /// <summary>Bytes in the spool.</summary>
    public int Size { get; } = HeaderBytes + FixedBytes + Rows.Sum(r => RowBytes + r.Wire.Length);

    public static SpoolEntry Of(CapturedTransaction transaction) => new(
        transaction.Position, transaction.CommitTime, transaction.TransactionId, transaction.IsComplete,
        [.. transaction.Records.Select(r => new SpoolRow(r.Class, r.Slot, RowCodec.Encode(r)))]);

    public static SpoolEntry Of(CaptureMark mark) => new(mark.Position, mark.Time, 0, true, []);

    /// <summary>uint32 payload length, uint32 CRC-32C of the payload, payload; all little-endian.</summary>
    public void Write(IBufferWriter<byte> to)
    {
        var bytes = to.GetSpan(Size)[..Size];
        var payload = bytes[HeaderBytes..];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, Position.Value);
        BinaryPrimitives.WriteInt64LittleEndian(payload[8..], Time?.UtcTicks ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[16..], TransactionId);
        payload[20] = IsComplete ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(payload[21..], Rows.Count);
        var rest = payload[FixedBytes..];
        foreach (var row in Rows)
        {
            BinaryPrimitives.WriteInt16LittleEndian(rest, row.Class.Value);
            BinaryPrimitives.WriteInt16LittleEndian(rest[2..], row.Slot.Value);
            BinaryPrimitives.WriteInt32LittleEndian(rest[4..], row.Wire.Length);
            row.Wire.Span.CopyTo(rest[RowBytes..]);
            rest = rest[(RowBytes + row.Wire.Length)..];
        }
        BinaryPrimitives.WriteInt32LittleEndian(bytes, payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Crc32C.Of(payload));
        to.Advance(Size);
    }

    /// <summary>How long the payload is that a header announces; null: none can be so long.</summary>
    public static int? PayloadLength(ReadOnlySpan<byte> header) =>
        BinaryPrimitives.ReadInt32LittleEndian(header) is >= FixedBytes and <= PayloadBytesMax and var length
            ? length
            : null;

    /// <summary>The entry; null: these are not the bytes that were written.</summary>
    public static SpoolEntry? Read(ReadOnlySpan<byte> header, ReadOnlyMemory<byte> payload)
    {
        var span = payload.Span;
        if (Crc32C.Of(span) != BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) || span.Length < FixedBytes)
            return null;
        var ticks = BinaryPrimitives.ReadInt64LittleEndian(span[8..]);
        var rows = new SpoolRow[BinaryPrimitives.ReadInt32LittleEndian(span[21..])];
        var at = FixedBytes;
        for (var i = 0; i < rows.Length; i++)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(span[(at + 4)..]);
            rows[i] = new SpoolRow(
                new ClassId(BinaryPrimitives.ReadInt16LittleEndian(span[at..])),
                new SlotId(BinaryPrimitives.ReadInt16LittleEndian(span[(at + 2)..])),
                payload.Slice(at + RowBytes, length));
            at += RowBytes + length;
        }
        return new SpoolEntry(
            new LogPosition(BinaryPrimitives.ReadUInt64LittleEndian(span)),
            ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero),
            BinaryPrimitives.ReadUInt32LittleEndian(span[16..]), span[20] == 1, rows);
    }
}
