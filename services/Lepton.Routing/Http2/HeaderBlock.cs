using System.Text;

namespace Lepton.Routing.Http2;

/// <summary>
/// A request's header block in the making: literals without indexing, so that a block means the same on every
/// connection and what never changes can be made beforehand. Grows; used again and again by its thread.
/// </summary>
internal sealed class HeaderBlock
{
    private const int LengthBytesMax = 4;

    private byte[] _bytes = new byte[2048];
    private int _length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Bytes of a block that was made before.</summary>
    public void AddMade(ReadOnlySpan<byte> made)
    {
        made.CopyTo(Room(made.Length));
        _length += made.Length;
    }

    /// <summary>A field whose name and value are not in the static table; the name is written in lower case.</summary>
    public void Add(string name, string value)
    {
        Room(1)[0] = 0;
        _length++;
        WriteName(name);
        WriteValue(value);
    }

    /// <summary>A field with a name of the static table.</summary>
    public void Add(int nameIndex, string value)
    {
        Span<byte> to = Room(2);
        if (nameIndex < 15)
        {
            to[0] = (byte)nameIndex;
            _length++;
        }
        else
        {
            (to[0], to[1]) = (15, (byte)(nameIndex - 15));
            _length += 2;
        }
        WriteValue(value);
    }

    /// <summary>A field with name and value of the static table.</summary>
    public void Add(int index)
    {
        Room(1)[0] = (byte)(0x80 | index);
        _length++;
    }

    private void WriteName(string name)
    {
        Span<byte> to = Room(LengthBytesMax + name.Length);
        int at = WriteLength(to, name.Length);
        if (Ascii.ToLower(name, to[at..], out int written) != System.Buffers.OperationStatus.Done)
            throw new ArgumentException($"{name} is no field's name.", nameof(name));
        _length += at + written;
    }

    // As it came: what Kestrel read as UTF-8 is UTF-8 again, and nearly always ASCII.
    private void WriteValue(string value)
    {
        Span<byte> to = Room(LengthBytesMax + (3 * value.Length));
        int at = WriteLength(to, value.Length);
        if (Ascii.FromUtf16(value, to[at..], out int written) != System.Buffers.OperationStatus.Done)
        {
            written = Encoding.UTF8.GetByteCount(value);
            at = WriteLength(to, written);
            Encoding.UTF8.GetBytes(value, to[at..]);
        }
        _length += at + written;
    }

    // Seven bits and then sevens (RFC 7541, 5.1); no Huffman code: it costs more time than it saves here.
    private static int WriteLength(Span<byte> to, int length)
    {
        if (length < 0x7F)
        {
            to[0] = (byte)length;
            return 1;
        }
        to[0] = 0x7F;
        int at = 1;
        for (length -= 0x7F; length >= 0x80; length >>= 7)
            to[at++] = (byte)(0x80 | length);
        to[at++] = (byte)length;
        return at;
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes)
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _length + bytes));
        return _bytes.AsSpan(_length);
    }
}
