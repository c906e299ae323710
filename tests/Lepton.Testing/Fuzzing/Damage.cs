using System.Buffers.Binary;
using System.IO.Compression;

namespace Lepton.Testing.Fuzzing;

/// <summary>Ways to spoil a message and the gRPC frame around it.</summary>
public static class Damage
{
    /// <summary>A gRPC frame: flag, length (big-endian, four bytes), message.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message, byte flag = 0, uint? announced = null)
    {
        byte[] frame = [flag, 0, 0, 0, 0, .. message];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), announced ?? (uint)message.Length);
        return frame;
    }

    /// <summary>Changes, inserts, removes or repeats bytes, one to eight times.</summary>
    public static byte[] Mutate(Random random, byte[] message)
    {
        ArgumentNullException.ThrowIfNull(random);
        List<byte> bytes = [.. message];
        for (var i = random.Next(1, 9); i > 0; i--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < bytes.Count: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1 when at < bytes.Count: bytes[at] = (byte)random.Next(256); break;
                case 2 when at < bytes.Count: bytes.RemoveRange(at, random.Next(bytes.Count - at + 1)); break;
                case 3: bytes.InsertRange(at, [.. bytes.Take(random.Next(64))]); break;
                default: bytes.Insert(at, (byte)random.Next(256)); break;
            }
        }
        return [.. bytes];
    }

    /// <summary>Groups in a field that no message has, deeper than a stack without a limit.</summary>
    public static byte[] Groups(int depth, bool closed)
    {
        // Field 1000: start is 1000 << 3 | 3, end is 1000 << 3 | 4, as varints.
        byte[] start = [0xC3, 0x3E];
        byte[] end = [0xC4, 0x3E];
        var bytes = Enumerable.Repeat(start, depth).SelectMany(b => b);
        return [.. closed ? bytes.Concat(Enumerable.Repeat(end, depth).SelectMany(b => b)) : bytes];
    }

    /// <summary>Zeros that gzip makes a thousandth of.</summary>
    public static byte[] Bomb(int bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            var zeros = new byte[1 << 16];
            for (var left = bytes; left > 0; left -= zeros.Length)
                gzip.Write(zeros, 0, Math.Min(left, zeros.Length));
        }
        return packed.ToArray();
    }
}
