using System.Globalization;
using System.IO.Compression;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Decisions;

/// <summary>
/// A segment on disk: while it is written and until it is sealed plain frames (<c>.decisions</c>), then the same bytes
/// compressed (<c>.decisions.br</c>, Brotli), beside it its anchor (<c>.anchor</c>).
/// </summary>
/// <param name="Directory">Where.</param>
/// <param name="Name">16 digits: milliseconds since 1970 of its first record.</param>
internal sealed record SegmentFile(string Directory, string Name)
{
    public const string Plain = ".decisions", Packed = ".decisions.br", Anchor = ".anchor";

    // 4 MiB of window hold thousands of decisions; 5 is where more effort stops paying.
    private const int Quality = 5, Window = 22;

    public string PlainPath => Path.Combine(Directory, Name + Plain);

    public string PackedPath => Path.Combine(Directory, Name + Packed);

    public string AnchorPath => Path.Combine(Directory, Name + Anchor);

    public DateTimeOffset Start => DateTimeOffset.FromUnixTimeMilliseconds(
        long.Parse(Name, NumberStyles.None, CultureInfo.InvariantCulture));

    /// <summary>On disk, all forms of it.</summary>
    public long Bytes => SizeOf(PlainPath) + SizeOf(PackedPath) + SizeOf(AnchorPath);

    /// <summary>Every segment of a folder, by age.</summary>
    public static List<SegmentFile> All(string directory)
    {
        SortedSet<string> names = new(StringComparer.Ordinal);
        foreach (string path in System.IO.Directory.EnumerateFiles(directory))
        {
            string file = Path.GetFileName(path);
            string name = file.Split('.')[0];
            if ((file.EndsWith(Plain, StringComparison.Ordinal) || file.EndsWith(Packed, StringComparison.Ordinal))
                && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                names.Add(name);
        }
        return [.. names.Select(name => new SegmentFile(directory, name))];
    }

    /// <summary>Its frames; null: it was deleted meanwhile.</summary>
    /// <exception cref="InvalidDataException">The compressed form is damaged.</exception>
    public byte[]? Read()
    {
        try
        {
            return File.Exists(PlainPath) ? ReadPlain() : Unpack();
        }
        catch (Exception e) when (e is FileNotFoundException or EndOfStreamException)
        {
            // Compressed, cut or deleted for its age while we looked.
            return File.Exists(PackedPath) ? Unpack() : null;
        }
    }

    /// <summary>
    /// Compresses it. After a crash at any point it is there in one form or in both.
    /// </summary>
    public void Pack(ReadOnlySpan<byte> frames)
    {
        string made = PackedPath + ".new";
        using (FileStream file = new(made, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            byte[] packed = new byte[BrotliEncoder.GetMaxCompressedLength(frames.Length)];
            if (!BrotliEncoder.TryCompress(frames, packed, out int length, Quality, Window))
                throw new InvalidOperationException("More than the most that compression can take.");
            file.Write(packed.AsSpan(0, length));
            file.Flush(flushToDisk: true);
        }
        File.Move(made, PackedPath, overwrite: true);
        DurableFolder.Flush(Directory);
        File.Delete(PlainPath);
    }

    public void Delete()
    {
        File.Delete(PlainPath);
        File.Delete(PackedPath);
        File.Delete(AnchorPath);
    }

    private byte[] ReadPlain()
    {
        using FileStream file = new(
            PlainPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        byte[] frames = new byte[file.Length];
        file.ReadExactly(frames);
        return frames;
    }

    private byte[] Unpack()
    {
        using FileStream file = new(PackedPath, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        using BrotliStream unpacked = new(file, CompressionMode.Decompress);
        using MemoryStream frames = new();
        unpacked.CopyTo(frames);
        return frames.ToArray();
    }

    private static long SizeOf(string path)
    {
        FileInfo file = new(path);
        return file.Exists ? file.Length : 0;
    }
}
