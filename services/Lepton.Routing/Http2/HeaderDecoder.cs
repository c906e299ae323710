using System.Buffers;
using System.Text;

namespace Lepton.Routing.Http2;

/// <summary>
/// Decodes header blocks (RFC 7541) of a peer that was told to keep no dynamic table: each block stands for itself.
/// One a connection; not for concurrent use.
/// </summary>
internal sealed class HeaderDecoder
{
    private const int StaticEntries = 61, KnownTexts = 256, KnownTextBytesMax = 64, IntegerMax = 1 << 20;

    // A line feed in a value would be a field of its own to whoever reads it as text.
    private static readonly SearchValues<byte> ValueBytes =
        SearchValues.Create([(byte)'\t', .. Enumerable.Range(0x20, 0x5F).Select(c => (byte)c)]);

    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"u8);

    // Names and values repeat from answer to answer: one string each. By hash; the last one seen stays.
    private readonly string[] _texts = new string[KnownTexts];

    // The shortest code has 5 bits (RFC 7541, B): no block says more than 8/5 of its length.
    private readonly byte[] _scratch = new byte[2 * Limits.HeaderBytesMax];

    /// <summary>The fields of a whole block.</summary>
    /// <exception cref="Http2Exception">The block is damaged: the connection cannot go on.</exception>
    /// <returns>Null: no answer's or trailers' fields, or too long.</returns>
    public FieldList? Decode(ReadOnlySpan<byte> block)
    {
        FieldList fields = new();
        bool sound = true;
        int size = 0;
        while (!block.IsEmpty)
        {
            byte first = block[0];
            if ((first & 0xE0) == 0x20) // a size update: only that of an empty table is in order
            {
                if (ReadInteger(ref block, 5) != 0)
                    throw new Http2Exception(ErrorCode.Compression, "A dynamic table was set up unasked.");
                continue;
            }
            bool isIndexed = (first & 0x80) != 0;
            int index = ReadInteger(ref block, isIndexed ? 7 : (first & 0x40) != 0 ? 6 : 4);
            string name, value;
            if (isIndexed)
                (name, value) = Static(index);
            else
            {
                name = index == 0 ? ReadText(ref block, NameBytes, ref sound) : Static(index).Name;
                value = ReadText(ref block, ValueBytes, ref sound);
            }
            size += name.Length + value.Length + 32; // as RFC 9113, 6.5.2 counts
            if (size > Limits.HeaderBytesMax)
                return null; // what follows changes no table: the next block means the same without it
            sound &= Take(fields, name, value);
        }
        return sound ? fields : null;
    }

    private static bool Take(FieldList fields, string name, string value)
    {
        if (name.Length == 0)
            return false;
        if (name[0] != ':')
        {
            fields.Add(name, value);
            return true;
        }
        bool isStatus = name == ":status" && fields is { Count: 0, Status: 0 } && value.Length == 3
            && int.TryParse(value, System.Globalization.NumberStyles.None, null, out int status)
            && (fields.Status = status) >= 100;
        return isStatus;
    }

    private static (string Name, string Value) Static(int index) =>
        index is > 0 and <= StaticEntries ? StaticTable.Entries[index - 1]
            : throw new Http2Exception(ErrorCode.Compression, $"There is no table entry {index}.");

    private string ReadText(ref ReadOnlySpan<byte> block, SearchValues<byte> allowed, ref bool sound)
    {
        bool isCoded = !block.IsEmpty && (block[0] & 0x80) != 0;
        int length = ReadInteger(ref block, 7);
        if (length > block.Length)
            throw new Http2Exception(ErrorCode.Compression, "A text ends outside of its block.");
        ReadOnlySpan<byte> bytes = block[..length];
        block = block[length..];
        if (isCoded)
        {
            int decoded = Huffman.Decode(bytes, _scratch);
            if (decoded < 0)
                throw new Http2Exception(ErrorCode.Compression, "A coded text is damaged.");
            bytes = _scratch.AsSpan(0, decoded);
        }
        sound &= !bytes.ContainsAnyExcept(allowed);
        return Text(bytes);
    }

    private string Text(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > KnownTextBytesMax)
            return Encoding.Latin1.GetString(bytes);
        HashCode hash = default;
        hash.AddBytes(bytes);
        ref string known = ref _texts[(uint)hash.ToHashCode() % KnownTexts];
        return known is not null && Ascii.Equals(bytes, known) ? known : known = Encoding.Latin1.GetString(bytes);
    }

    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        int at = 0, mask = (1 << prefixBits) - 1;
        int value = block.IsEmpty ? throw Torn() : block[at++] & mask;
        if (value == mask)
            for (int shift = 0; ; shift += 7)
            {
                int next = at < block.Length ? block[at++] : throw Torn();
                value += shift > 14 ? throw Torn() : (next & 0x7F) << shift; // at most 2^21: more than any block has
                if (value > IntegerMax)
                    throw Torn();
                if (next < 0x80)
                    break;
            }
        block = block[at..];
        return value;
    }

    private static Http2Exception Torn() => new(ErrorCode.Compression, "A header block's number is torn or too large.");
}
