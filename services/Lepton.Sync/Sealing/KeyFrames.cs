using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Lepton.Sync.Records;

namespace Lepton.Sync.Sealing;

/// <summary>What a key store's file says.</summary>
internal abstract record KeyItem
{
    /// <summary>First of all: whose file it is.</summary>
    public sealed record Head(string Node) : KeyItem;

    /// <summary>A key.</summary>
    public sealed record Key(
        KeyId Id, ClassId Class, SubjectDigest? Subject, DateTimeOffset CreateTime, bool IsOwn, WrappedKey Wrapped)
        : KeyItem;

    /// <summary>Keys that are destroyed; with a subject: by its erasure.</summary>
    public sealed record Erased(SubjectDigest? Subject, DateTimeOffset OrderTime, IReadOnlyList<KeyId> Ids) : KeyItem;

    /// <summary>Since then a destroyed key's key-encryption key is still there.</summary>
    public sealed record Unrotated(DateTimeOffset Since) : KeyItem;
}

/// <summary>
/// The form of a key store's file: frames of length (4 bytes, big-endian), CRC-32C of the content (4), CRC-32C of these
/// two (4), content. A content is items of type (1), length (4), fields. One write is one frame, so that a crash can
/// damage the last only, and never the first, which came by a rename.
/// </summary>
internal static class KeyFrames
{
    private const int HeadBytes = 12, ItemHeadBytes = 5, IdBytes = 16;
    private const byte HeadType = 1, KeyType = 2, ErasedType = 3, UnrotatedType = 4;
    private const byte FormatVersion = 1;

    /// <summary>One frame of these items.</summary>
    public static byte[] Write(IEnumerable<KeyItem> items)
    {
        ArrayBufferWriter<byte> frame = new(4096), item = new(256);
        frame.GetSpan(HeadBytes)[..HeadBytes].Clear();
        frame.Advance(HeadBytes);
        foreach (var each in items)
        {
            item.ResetWrittenCount();
            var type = WriteItem(item, each);
            var head = frame.GetSpan(ItemHeadBytes);
            head[0] = type;
            BinaryPrimitives.WriteInt32BigEndian(head[1..], item.WrittenCount);
            frame.Advance(ItemHeadBytes);
            frame.Write(item.WrittenSpan);
        }
        var bytes = frame.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length - HeadBytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Crc32C(bytes.AsSpan(HeadBytes)));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Crc32C(bytes.AsSpan(0, 8)));
        return bytes;
    }

    /// <summary>Reads all whole frames. The last may be torn: then it was never told to be durable.</summary>
    /// <param name="file">The bytes.</param>
    /// <param name="items">What they say.</param>
    /// <returns>How many bytes are whole.</returns>
    /// <exception cref="InvalidDataException">A frame before the last is damaged.</exception>
    public static int Read(ReadOnlySpan<byte> file, List<KeyItem> items)
    {
        for (var at = 0; at < file.Length;)
        {
            var rest = file[at..];
            var length = WholeLength(rest);
            if (length == 0)
                return at > 0 && IsTorn(rest) ? at : throw new InvalidDataException($"it is damaged at byte {at}");
            ReadItems(rest[HeadBytes..length], items);
            at += length;
        }
        return file.Length;
    }

    private static int WholeLength(ReadOnlySpan<byte> rest)
    {
        if (rest.Length < HeadBytes || !IsHead(rest))
            return 0;
        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        return length <= rest.Length - HeadBytes
            && Crc32C(rest.Slice(HeadBytes, length)) == BinaryPrimitives.ReadUInt32BigEndian(rest[4..])
            ? HeadBytes + length
            : 0;
    }

    // It reaches the end of the file, or its head never came to the disk: then zeros are there.
    private static bool IsTorn(ReadOnlySpan<byte> rest) =>
        rest.Length < HeadBytes || !rest[..HeadBytes].ContainsAnyExcept((byte)0)
        || (IsHead(rest) && BinaryPrimitives.ReadInt32BigEndian(rest) >= rest.Length - HeadBytes);

    private static bool IsHead(ReadOnlySpan<byte> rest) =>
        BinaryPrimitives.ReadInt32BigEndian(rest) > 0
        && Crc32C(rest[..8]) == BinaryPrimitives.ReadUInt32BigEndian(rest[8..]);

    private static byte WriteItem(ArrayBufferWriter<byte> to, KeyItem item)
    {
        switch (item)
        {
            case KeyItem.Head head:
                to.Write([FormatVersion]);
                WriteText(to, head.Node);
                return HeadType;
            case KeyItem.Key key:
                WriteId(to, key.Id);
                WriteInt16(to, key.Class.Value);
                WriteSubject(to, key.Subject);
                WriteTime(to, key.CreateTime);
                to.Write([key.IsOwn ? (byte)1 : (byte)0]);
                WriteInt32(to, key.Wrapped.Epoch.Value);
                WriteInt16(to, (short)key.Wrapped.Bytes.Length);
                to.Write(key.Wrapped.Bytes);
                return KeyType;
            case KeyItem.Erased erased:
                WriteSubject(to, erased.Subject);
                WriteTime(to, erased.OrderTime);
                WriteInt32(to, erased.Ids.Count);
                foreach (var id in erased.Ids)
                    WriteId(to, id);
                return ErasedType;
            case KeyItem.Unrotated unrotated:
                WriteTime(to, unrotated.Since);
                return UnrotatedType;
            default:
                throw new ArgumentException($"{item.GetType().Name} has no form.", nameof(item));
        }
    }

    private static void ReadItems(ReadOnlySpan<byte> content, List<KeyItem> items)
    {
        while (!content.IsEmpty)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(content[1..]);
            FieldReader fields = new(content.Slice(ItemHeadBytes, length));
            items.Add(content[0] switch
            {
                HeadType => ReadHead(ref fields),
                KeyType => new KeyItem.Key(fields.Id(), new ClassId(fields.Int16()), fields.Subject(), fields.Time(),
                    fields.Byte() != 0, new WrappedKey(new KeyEpoch(fields.Int32()), fields.Bytes(fields.Int16()))),
                ErasedType => new KeyItem.Erased(fields.Subject(), fields.Time(), fields.Ids()),
                UnrotatedType => new KeyItem.Unrotated(fields.Time()),
                var other => throw new InvalidDataException($"it has an item of type {other}, of a later version"),
            });
            content = content[(ItemHeadBytes + length)..];
        }
    }

    private static KeyItem.Head ReadHead(ref FieldReader fields) => fields.Byte() is var version
        && version == FormatVersion
        ? new KeyItem.Head(fields.Text())
        : throw new InvalidDataException($"it is of form {version}, of a later version");

    private static void WriteId(ArrayBufferWriter<byte> to, KeyId id)
    {
        id.Value.TryWriteBytes(to.GetSpan(IdBytes), bigEndian: true, out _);
        to.Advance(IdBytes);
    }

    private static void WriteInt16(ArrayBufferWriter<byte> to, short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(to.GetSpan(sizeof(short)), value);
        to.Advance(sizeof(short));
    }

    private static void WriteInt32(ArrayBufferWriter<byte> to, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(sizeof(int)), value);
        to.Advance(sizeof(int));
    }

    private static void WriteTime(ArrayBufferWriter<byte> to, DateTimeOffset time)
    {
        BinaryPrimitives.WriteInt64BigEndian(to.GetSpan(sizeof(long)), time.UtcTicks);
        to.Advance(sizeof(long));
    }

    private static void WriteText(ArrayBufferWriter<byte> to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        to.Write([checked((byte)bytes.Length)]);
        to.Write(bytes);
    }

    // A tenant and a digest; of nobody both are empty.
    private static void WriteSubject(ArrayBufferWriter<byte> to, SubjectDigest? subject)
    {
        WriteText(to, subject?.Tenant ?? "");
        to.Write([(byte)(subject?.Digest.Length ?? 0)]);
        if (subject is not null)
            to.Write(subject.Digest.Span);
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    private ref struct FieldReader(ReadOnlySpan<byte> fields)
    {
        private ReadOnlySpan<byte> _rest = fields;

        public byte Byte() => Take(1)[0];

        public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

        public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

        public DateTimeOffset Time() => new(BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long))), TimeSpan.Zero);

        public KeyId Id() => new(new Guid(Take(IdBytes), bigEndian: true));

        public string Text() => Encoding.UTF8.GetString(Take(Byte()));

        public byte[] Bytes(int length) => Take(length).ToArray();

        public SubjectDigest? Subject()
        {
            var tenant = Text();
            var digest = Bytes(Byte());
            return digest.Length == 0 ? null : new SubjectDigest(tenant, digest);
        }

        public KeyId[] Ids()
        {
            var ids = new KeyId[Int32()];
            for (var i = 0; i < ids.Length; i++)
                ids[i] = Id();
            return ids;
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            var taken = _rest[..length];
            _rest = _rest[length..];
            return taken;
        }
    }
}
