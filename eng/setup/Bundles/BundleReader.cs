using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Lepton.Setup.Bundles;

/// <summary>One file inside a single-file program.</summary>
internal sealed record BundleEntry(string Path, long Offset, long Size, long CompressedSize);

/// <summary>
/// Reads the files out of a .NET single-file program (bundle format 6; design: dotnet/runtime,
/// docs/design/features/single-file): a signature in the host, the header's offset before it, the header at the end.
/// </summary>
internal sealed class BundleReader : IDisposable
{
    private const int MajorVersion = 6;
    private const int FilesMax = 100_000;
    private const long FileBytesMax = 1L << 30;

    /// <summary>SHA-256 of ".net core bundle\n", by which the host finds its own header.</summary>
    private static ReadOnlySpan<byte> Signature =>
    [
        0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
        0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
    ];

    private readonly FileStream stream;

    public BundleReader(string program)
    {
        stream = new FileStream(program, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            Entries = ReadHeader();
        }
        catch (Exception exception) when (exception is EndOfStreamException or InvalidDataException or FormatException)
        {
            stream.Dispose();
            throw new SetupException(
                $"{program} is no .NET single-file program that set-up can read: {exception.Message}",
                exception);
        }
    }

    public IReadOnlyList<BundleEntry> Entries { get; }

    public byte[] Read(BundleEntry entry)
    {
        stream.Position = entry.Offset;
        var content = new byte[entry.Size];
        if (entry.CompressedSize == 0)
        {
            stream.ReadExactly(content);
            return content;
        }
        var compressed = new byte[entry.CompressedSize];
        stream.ReadExactly(compressed);
        using var inflated = new DeflateStream(new MemoryStream(compressed), CompressionMode.Decompress);
        inflated.ReadExactly(content);
        return content;
    }

    public void Dispose() => stream.Dispose();

    private List<BundleEntry> ReadHeader()
    {
        stream.Position = HeaderOffset();
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        var major = reader.ReadUInt32();
        var minor = reader.ReadUInt32();
        if (major != MajorVersion)
            throw new InvalidDataException($"bundle version {major}.{minor}, known is {MajorVersion}");
        var count = reader.ReadInt32();
        if (count is < 0 or > FilesMax)
            throw new InvalidDataException($"{count} files");
        reader.ReadString(); // the bundle's id
        reader.ReadBytes(40); // places of deps.json and runtimeconfig.json, and flags: both are listed below too
        var entries = new List<BundleEntry>(count);
        for (var index = 0; index < count; index++)
        {
            var (offset, size, compressed) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
            reader.ReadByte(); // the kind of file: the path tells enough
            var path = reader.ReadString();
            var length = compressed == 0 ? size : compressed;
            if (offset < 0 || size is < 0 or > FileBytesMax || length < 0 || offset > stream.Length - length)
                throw new InvalidDataException($"{path} lies outside the file");
            entries.Add(new BundleEntry(path, offset, size, compressed));
        }
        return entries;
    }

    private long HeaderOffset()
    {
        const int chunkBytes = 1 << 20;
        // Chunks overlap by the offset and the signature, which may lie across a border.
        var overlap = sizeof(long) + Signature.Length;
        var chunk = new byte[chunkBytes + overlap];
        for (long start = 0; start < stream.Length; start += chunkBytes)
        {
            stream.Position = start;
            var length = stream.ReadAtLeast(chunk, chunk.Length, throwOnEndOfStream: false);
            var at = chunk.AsSpan(0, length).IndexOf(Signature);
            if (at >= sizeof(long))
            {
                var offset = BinaryPrimitives.ReadInt64LittleEndian(chunk.AsSpan(at - sizeof(long)));
                return offset > 0 && offset < stream.Length
                    ? offset
                    : throw new InvalidDataException("the header lies outside the file");
            }
        }
        throw new InvalidDataException("it holds no bundle signature");
    }
}
