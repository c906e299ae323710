using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using Lepton.Sync.Records;

namespace Lepton.Sync.Stranded;

/// <summary>Names a stranded write: a version of a key, of which each is there once.</summary>
/// <param name="Class">Its class.</param>
/// <param name="Key">Its key as stored.</param>
/// <param name="Version">Its version.</param>
internal sealed record StrandedId(ClassId Class, ReadOnlyMemory<byte> Key, RecordVersion Version)
{
    private const int HeadBytes = 18;
    private const int TextLengthMax = 1500;

    /// <summary>Before the first.</summary>
    public static StrandedId Start { get; } = new(new ClassId(-1), ReadOnlyMemory<byte>.Empty, RecordVersion.None);

    public static StrandedId Of(StoredRecord row) => new(row.Class, row.Key, row.Version);

    /// <summary>Reads what <see cref="ToString"/> wrote; null: it is none.</summary>
    public static StrandedId? Parse(string text)
    {
        if (text.Length > TextLengthMax || !Base64Url.IsValid(text))
            return null;
        var bytes = Base64Url.DecodeFromChars(text);
        return bytes.Length is > HeadBytes and <= HeadBytes + StoredRecord.KeyBytesMax
            ? new StrandedId(
                new ClassId(BinaryPrimitives.ReadInt16BigEndian(bytes)), bytes.AsMemory(HeadBytes),
                new RecordVersion(
                    BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(2)),
                    BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(10))))
            : null;
    }

    /// <summary>The request id of putting it back: however often that is tried, it is written once.</summary>
    public Guid RequestId()
    {
        var digest = SHA256.HashData(Bytes()).AsSpan(0, 16);
        digest[6] = (byte)(0x80 | (digest[6] & 0x0f)); // RFC 9562, version 8: ours to fill
        digest[8] = (byte)(0x80 | (digest[8] & 0x3f));
        return new Guid(digest, bigEndian: true);
    }

    public override string ToString() => Base64Url.EncodeToString(Bytes());

    private byte[] Bytes()
    {
        var bytes = new byte[HeadBytes + Key.Length];
        BinaryPrimitives.WriteInt16BigEndian(bytes, Class.Value);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(2), Version.Term);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(10), Version.Clock);
        Key.CopyTo(bytes.AsMemory(HeadBytes));
        return bytes;
    }
}
