using System.Security.Cryptography;

namespace Lepton.Sync.Sealing.Dictionaries;

/// <summary>A dictionary that bodies may have been compressed with.</summary>
/// <param name="Name">What it is for; its newest version is used for new bodies.</param>
/// <param name="Bytes">As zstd takes it; empty: none.</param>
internal sealed record ZstdDictionary(string Name, byte[] Bytes);

/// <summary>
/// Every dictionary there ever was, by the number that bodies name it by. They are files of this repository, trained on
/// <see cref="SyntheticRecords"/> and nothing else: libzstd's training may differ from version to version, and every
/// node must have the same bytes for as long as a record names them. A better one is added with the next number; none
/// is ever changed or taken away.
/// </summary>
internal static class DictionarySet
{
    private static readonly (string Name, string File, string Sha256)[] Files =
    [
        ("none", "", ""),
        ("json", "json-1.zdict",
            "11636604dda970dd633361614e51bfac03b47e349a906cd0f2d36a94bd92679a"),
        ("text", "text-1.zdict",
            "5563b21d6b46e8d056f043083c7e5425ded5c7d0cece54b8a8e60a3c39b49e09"),
        ("binary", "binary-1.zdict",
            "ccfe88b8850eb6f30c400655a7f3c2d86d1c890b28a7b84dad28ffd459b88a2a"),
    ];

    public static IReadOnlyList<ZstdDictionary> All { get; } = [.. Files.Select(Read)];

    /// <summary>What a class may be given.</summary>
    public static IReadOnlySet<string> Names { get; } = Files.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);

    private static readonly byte Json = Named("json"), Text = Named("text"), Binary = Named("binary");

    /// <summary>The newest of a name.</summary>
    public static byte Named(string name) => (byte)Array.FindLastIndex(Files, f => f.Name == name);

    /// <summary>The one for a value by its look: its first bytes.</summary>
    public static byte For(ReadOnlySpan<byte> value)
    {
        if (value.Length > 0 && value[0] is (byte)'{' or (byte)'[')
            return Json;
        // Control characters but line ends and tabs are in no text.
        foreach (var b in value[..Math.Min(value.Length, 32)])
        {
            if (b < 0x20 && b is not (0x09 or 0x0A or 0x0D))
                return Binary;
        }
        return Text;
    }

    private static ZstdDictionary Read((string Name, string File, string Sha256) entry)
    {
        if (entry.File.Length == 0)
            return new ZstdDictionary(entry.Name, []);
        using var stream = typeof(DictionarySet).Assembly.GetManifestResourceStream(entry.File)
            ?? throw new InvalidOperationException($"Dictionary {entry.File} is not in this program.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == entry.Sha256
            ? new ZstdDictionary(entry.Name, bytes)
            : throw new InvalidOperationException(
                $"Dictionary {entry.File} is not the one that records were sealed with.");
    }
}
