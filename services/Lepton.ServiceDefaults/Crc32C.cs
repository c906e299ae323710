using System.Numerics;
using System.Runtime.InteropServices;

namespace Lepton.ServiceDefaults;

/// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4). Processors have an instruction for it.</summary>
public static class Crc32C
{
    /// <summary>Of all of these bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Goes on with what <paramref name="crc"/> (at first all ones; in the end inverted) is.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (var b in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
