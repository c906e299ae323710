namespace Lepton.Routing.Http2;

/// <summary>Decodes HPACK's Huffman code (RFC 7541, appendix B).</summary>
internal static class Huffman
{
    private const int EndOfString = 256, BitsMax = 30;

    // The code is canonical: the lengths of the symbols' codes, in the symbols' order, are all of it.
    private static readonly byte[] Lengths =
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
        28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
        7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
        23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
        21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ];

    // By length: the first code of that length, and where its symbols start among all, sorted by code.
    private static readonly int[] First = new int[BitsMax + 1];
    private static readonly int[] Start = new int[BitsMax + 2];
    private static readonly short[] Symbols = [.. Enumerable.Range(0, Lengths.Length)
        .OrderBy(s => Lengths[s]).ThenBy(s => s).Select(s => (short)s)];

    static Huffman()
    {
        int code = 0;
        for (int length = 1, index = 0; length <= BitsMax; length++)
        {
            int count = Lengths.Count(l => l == length);
            (First[length], Start[length]) = (code, index);
            index += count;
            code = (code + count) << 1;
            Start[length + 1] = index;
        }
    }

    /// <summary>Decodes; -1: damaged, or longer than <paramref name="to"/>.</summary>
    public static int Decode(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int written = 0, code = 0, length = 0;
        bool padding = true; // bits since the last symbol are all ones so far
        foreach (byte octet in from)
            for (int bit = 7; bit >= 0; bit--)
            {
                int next = (octet >> bit) & 1;
                (code, length, padding) = ((code << 1) | next, length + 1, padding && next == 1);
                if (length > BitsMax)
                    return -1;
                int index = Start[length] + code - First[length];
                if (index < Start[length] || index >= Start[length + 1])
                    continue;
                int symbol = Symbols[index];
                if (symbol == EndOfString || written == to.Length)
                    return -1;
                to[written++] = (byte)symbol;
                (code, length, padding) = (0, 0, true);
            }
        return length < 8 && padding ? written : -1; // padded by the first bits of EOS, fewer than eight
    }
}
