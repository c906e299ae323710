using System.Buffers.Binary;
using System.IO.Compression;
using Lepton.Sync.Sealing.Dictionaries;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Sealing;

/// <summary>How the inside of a body is compressed. Numbers are stored: never changed.</summary>
internal enum Compression : byte
{
    None = 0,

    /// <summary>A zstd frame (RFC 8878) that tells its size, with the dictionary of the given number.</summary>
    Zstd = 1,

    /// <summary>The size before as 4 bytes big-endian, then Brotli (RFC 7932).</summary>
    Brotli = 2,
}

/// <summary>
/// A body was compressed by a library that this node lacks. It must not have been let in (README.md).
/// </summary>
internal sealed class CompressionMissingException(string message) : Exception(message);

/// <summary>
/// Compresses what is sealed, and reads it within a bound. What does not get smaller stays as it is. Safe for
/// concurrent use.
/// </summary>
internal sealed class BodyCodec
{
    /// <summary>Largest inside of a body: a value of 1 MiB, its key and the key's length.</summary>
    public const int PayloadBytesMax = (1 << 20) + Records.StoredRecord.KeyBytesMax + 2;

    // Below, a frame's head costs what is saved.
    private const int BytesMin = 24;
    private const int BrotliQuality = 4, BrotliWindow = 22, BrotliHeadBytes = 4;
    private static readonly int IdleMax = Math.Clamp(Environment.ProcessorCount, 2, 32);

    private readonly SealingOptions _options;
    private readonly IdlePool<ZstdCompressor>[] _compressors;
    private readonly IdlePool<ZstdDecompressor>[] _decompressors;

    /// <exception cref="CompressionMissingException">libzstd is asked for and not installed.</exception>
    public BodyCodec(IOptions<SealingOptions> options)
    {
        _options = options.Value;
        if (_options.Compression == CompressionChoice.Zstd && !Zstd.IsThere)
            throw new CompressionMissingException(
                "libzstd.so.1 is not installed. Install it, or set Sync:Sealing:Compression to Brotli on every node.");
        _compressors = [.. DictionarySet.All.Select(_ => new IdlePool<ZstdCompressor>(IdleMax))];
        _decompressors = [.. DictionarySet.All.Select(_ => new IdlePool<ZstdDecompressor>(IdleMax))];
    }

    /// <summary>Compresses into <paramref name="to"/>, which is as long as the payload or longer.</summary>
    /// <param name="className">Chooses the dictionary where the configuration does.</param>
    /// <param name="value">The part of the payload that chooses it elsewhere.</param>
    /// <param name="payload">What to compress.</param>
    /// <param name="to">Where to.</param>
    /// <param name="how">What was done; None: nothing was written, the payload stays as it is.</param>
    /// <param name="dictionary">Its number; 0: none.</param>
    /// <returns>The compressed length.</returns>
    public int Compress(
        string className, ReadOnlySpan<byte> value, ReadOnlySpan<byte> payload, Span<byte> to, out Compression how,
        out byte dictionary)
    {
        (how, dictionary) = (Compression.None, 0);
        if (payload.Length < BytesMin || _options.Compression == CompressionChoice.None)
            return 0;
        var room = to[..(payload.Length - 1)];
        int length;
        if (_options.Compression == CompressionChoice.Zstd)
        {
            (how, dictionary) = (Compression.Zstd, ChooseDictionary(className, value));
            length = CompressZstd(dictionary, payload, room);
        }
        else
        {
            how = Compression.Brotli;
            length = CompressBrotli(payload, room);
        }
        if (length == 0)
            (how, dictionary) = (Compression.None, 0);
        return length;
    }

    /// <summary>What was compressed; null: it is damaged, or larger than any payload.</summary>
    /// <exception cref="CompressionMissingException">It takes libzstd, which is not installed.</exception>
    public byte[]? Decompress(Compression how, byte dictionary, ReadOnlySpan<byte> bytes) => how switch
    {
        Compression.None => bytes.Length <= PayloadBytesMax ? bytes.ToArray() : null,
        Compression.Zstd => DecompressZstd(dictionary, bytes),
        Compression.Brotli => DecompressBrotli(bytes),
        _ => null,
    };

    private byte ChooseDictionary(string className, ReadOnlySpan<byte> value) =>
        _options.Dictionaries.Count > 0 && _options.Dictionaries.TryGetValue(className, out var name)
            ? DictionarySet.Named(name)
            : DictionarySet.For(value);

    private int CompressZstd(byte dictionary, ReadOnlySpan<byte> payload, Span<byte> to)
    {
        var pool = _compressors[dictionary];
        var compressor = pool.Take() ?? new ZstdCompressor(DictionarySet.All[dictionary].Bytes, _options.Level);
        try
        {
            return compressor.Compress(payload, to);
        }
        finally
        {
            pool.Give(compressor);
        }
    }

    private byte[]? DecompressZstd(byte dictionary, ReadOnlySpan<byte> bytes)
    {
        if (!Zstd.IsThere)
            throw new CompressionMissingException(
                "A record was compressed with zstd, and libzstd.so.1 is not installed here.");
        // The size is refused before anything is allocated: a frame of a few bytes can claim, and make, gigabytes.
        if (dictionary >= DictionarySet.All.Count || Zstd.FrameContentSize(bytes) is var size && size > PayloadBytesMax)
            return null;
        var pool = _decompressors[dictionary];
        var decompressor = pool.Take() ?? new ZstdDecompressor(DictionarySet.All[dictionary].Bytes);
        try
        {
            var payload = new byte[(int)size];
            return decompressor.TryDecompress(bytes, payload) ? payload : null;
        }
        finally
        {
            pool.Give(decompressor);
        }
    }

    private static int CompressBrotli(ReadOnlySpan<byte> payload, Span<byte> to)
    {
        if (to.Length <= BrotliHeadBytes || !BrotliEncoder.TryCompress(
            payload, to[BrotliHeadBytes..], out var length, BrotliQuality, BrotliWindow))
            return 0;
        BinaryPrimitives.WriteInt32BigEndian(to, payload.Length);
        return BrotliHeadBytes + length;
    }

    private static byte[]? DecompressBrotli(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= BrotliHeadBytes
            || BinaryPrimitives.ReadInt32BigEndian(bytes) is var size && size is < 0 or > PayloadBytesMax)
            return null;
        var payload = new byte[size];
        return BrotliDecoder.TryDecompress(bytes[BrotliHeadBytes..], payload, out var length) && length == size
            ? payload
            : null;
    }
}
