using System.Runtime.InteropServices;

namespace Lepton.Sync.Sealing;

/// <summary>The system's libzstd (1.4 or later): no package of it restores here.</summary>
internal static unsafe partial class Zstd
{
    private const string Library = "libzstd.so.1";

    /// <summary>Is it installed?</summary>
    public static bool IsThere { get; } = NativeLibrary.TryLoad(Library, typeof(Zstd).Assembly, null, out _);

    /// <summary>E.g. 10504 for 1.5.4.</summary>
    public static uint Version => ZSTD_versionNumber();

    public static bool IsError(nuint result) => ZSTD_isError(result) != 0;

    /// <summary>
    /// What a frame's head says of the size before compression; beyond any size: nothing, or no frame.
    /// </summary>
    public static ulong FrameContentSize(ReadOnlySpan<byte> frame)
    {
        fixed (byte* from = frame)
            return ZSTD_getFrameContentSize(from, (nuint)frame.Length);
    }

    /// <summary>A dictionary from samples that lie one after the other; the same from the same samples.</summary>
    public static byte[] Train(ReadOnlySpan<byte> samples, ReadOnlySpan<nuint> sizes, int bytesMax)
    {
        var dictionary = new byte[bytesMax];
        nuint length;
        fixed (byte* to = dictionary, from = samples)
        fixed (nuint* each = sizes)
            length = ZDICT_trainFromBuffer(to, (nuint)bytesMax, from, each, (uint)sizes.Length);
        if (ZDICT_isError(length) != 0)
            throw new InvalidOperationException("The samples make no dictionary.");
        return dictionary[..(int)length];
    }

    [LibraryImport(Library)]
    internal static partial nint ZSTD_createCCtx();

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_freeCCtx(nint context);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_CCtx_setParameter(ZstdCompressor context, int parameter, int value);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_CCtx_loadDictionary(ZstdCompressor context, byte* dictionary, nuint size);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_compress2(
        ZstdCompressor context, byte* to, nuint capacity, byte* from, nuint size);

    [LibraryImport(Library)]
    internal static partial nint ZSTD_createDCtx();

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_DCtx_loadDictionary(ZstdDecompressor context, byte* dictionary, nuint size);

    [LibraryImport(Library)]
    internal static partial nuint ZSTD_decompressDCtx(
        ZstdDecompressor context, byte* to, nuint capacity, byte* from, nuint size);

    [LibraryImport(Library)]
    private static partial uint ZSTD_isError(nuint result);

    [LibraryImport(Library)]
    private static partial ulong ZSTD_getFrameContentSize(byte* from, nuint size);

    [LibraryImport(Library)]
    private static partial uint ZSTD_versionNumber();

    [LibraryImport(Library)]
    private static partial nuint ZDICT_trainFromBuffer(
        byte* dictionary, nuint capacity, byte* samples, nuint* sizes, uint count);

    [LibraryImport(Library)]
    private static partial uint ZDICT_isError(nuint result);
}

/// <summary>Compresses with one dictionary (empty: none) at one level; one caller at a time.</summary>
internal sealed unsafe class ZstdCompressor : SafeHandle
{
    // ZSTD_cParameter. The frame says its size before compression; the seal already vouches for the rest.
    private const int CompressionLevel = 100, ContentSizeFlag = 200, ChecksumFlag = 201, DictionaryIdFlag = 202;

    public ZstdCompressor(ReadOnlySpan<byte> dictionary, int level) : base(0, ownsHandle: true)
    {
        SetHandle(Zstd.ZSTD_createCCtx());
        Set(CompressionLevel, level);
        Set(ContentSizeFlag, 1);
        Set(ChecksumFlag, 0);
        Set(DictionaryIdFlag, 0);
        fixed (byte* bytes = dictionary)
        {
            if (IsInvalid || Zstd.IsError(Zstd.ZSTD_CCtx_loadDictionary(this, bytes, (nuint)dictionary.Length)))
                throw new InvalidOperationException("libzstd takes no dictionary.");
        }
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The compressed length; 0: it does not fit.</summary>
    public int Compress(ReadOnlySpan<byte> from, Span<byte> to)
    {
        fixed (byte* source = from, target = to)
        {
            var length = Zstd.ZSTD_compress2(this, target, (nuint)to.Length, source, (nuint)from.Length);
            return Zstd.IsError(length) ? 0 : (int)length;
        }
    }

    protected override bool ReleaseHandle() => !Zstd.IsError(Zstd.ZSTD_freeCCtx(handle));

    private void Set(int parameter, int value)
    {
        if (Zstd.IsError(Zstd.ZSTD_CCtx_setParameter(this, parameter, value)))
            throw new InvalidOperationException($"libzstd does not take {value} for parameter {parameter}.");
    }
}

/// <summary>Reads frames made with one dictionary; one caller at a time.</summary>
internal sealed unsafe class ZstdDecompressor : SafeHandle
{
    public ZstdDecompressor(ReadOnlySpan<byte> dictionary) : base(0, ownsHandle: true)
    {
        SetHandle(Zstd.ZSTD_createDCtx());
        fixed (byte* bytes = dictionary)
        {
            if (IsInvalid || Zstd.IsError(Zstd.ZSTD_DCtx_loadDictionary(this, bytes, (nuint)dictionary.Length)))
                throw new InvalidOperationException("libzstd takes no dictionary.");
        }
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Is it a frame that fills the target exactly?</summary>
    public bool TryDecompress(ReadOnlySpan<byte> from, Span<byte> to)
    {
        fixed (byte* source = from, target = to)
        {
            var length = Zstd.ZSTD_decompressDCtx(this, target, (nuint)to.Length, source, (nuint)from.Length);
            return !Zstd.IsError(length) && length == (nuint)to.Length;
        }
    }

    protected override bool ReleaseHandle() => !Zstd.IsError(Zstd.ZSTD_freeDCtx(handle));
}
