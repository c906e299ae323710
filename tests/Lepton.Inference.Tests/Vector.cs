using System.Buffers.Binary;
using System.IO.Compression;

namespace Lepton.Inference.Tests;

/// <summary>Image files: committed ones, and ones made on the spot.</summary>
internal static class Vector
{
    public static byte[] Bytes(string name) => File.ReadAllBytes(
        Path.Combine(AppContext.BaseDirectory, "Vectors", name));

    /// <summary>A file with some bytes of its compressed pixels inverted.</summary>
    public static byte[] Flipped(string name)
    {
        var bytes = Bytes(name);
        for (var i = bytes.Length / 2; i < (bytes.Length / 2) + 16; i++)
            bytes[i] ^= 0xff;
        return bytes;
    }

    /// <summary>One bit a pixel, all white: however large, the file stays small.</summary>
    public static byte[] WhitePng(int width, int height)
    {
        using var file = new MemoryStream();
        file.Write([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 1; // bit depth; colour type 0 is grey
        Chunk(file, "IHDR"u8, header);
        using var pixels = new MemoryStream();
        using (var zlib = new ZLibStream(pixels, CompressionLevel.Fastest, leaveOpen: true))
        {
            var row = new byte[1 + ((width + 7) / 8)];
            row.AsSpan(1).Fill(0xff);
            for (var y = 0; y < height; y++)
                zlib.Write(row);
        }
        Chunk(file, "IDAT"u8, pixels.ToArray());
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void Chunk(MemoryStream file, ReadOnlySpan<byte> type, byte[] data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        byte[] body = [.. type, .. data];
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        file.Write(number);
    }

    /// <summary>PNG's CRC-32.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xedb88320);
        }
        return ~crc;
    }
}
