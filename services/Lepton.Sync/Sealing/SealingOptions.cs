using System.ComponentModel.DataAnnotations;
using Lepton.Sync.Sealing.Dictionaries;

namespace Lepton.Sync.Sealing;

/// <summary>What new bodies are compressed with.</summary>
internal enum CompressionChoice
{
    None,
    Zstd,
    Brotli,
}

/// <summary>How records are sealed. Section <c>Sync:Sealing</c>.</summary>
internal sealed class SealingOptions
{
    public const string Section = "Sync:Sealing";

    /// <summary>
    /// A file with 32 bytes in base64, mode 0600: the key of blind classes' keys and of subjects' digests. The same on
    /// every node, made at set-up, and never changed: keys would not be found again. Required.
    /// </summary>
    [Required(ErrorMessage = "the path of a file with 32 bytes in base64")]
    public string BlindingKeyFile { get; set; } = "";

    /// <summary>
    /// Zstd, Brotli or None, the same on every node. Default Zstd: a node without libzstd does not start then.
    /// </summary>
    public CompressionChoice Compression { get; set; } = CompressionChoice.Zstd;

    /// <summary>Of zstd, 1 to 12. Default 3.</summary>
    [Range(1, 12)]
    public int Level { get; set; } = 3;

    /// <summary>
    /// By class: <c>json</c>, <c>text</c>, <c>binary</c> or <c>none</c>. Default: by each value's look.
    /// </summary>
    public Dictionary<string, string> Dictionaries { get; } = [];

    /// <summary>Keys with a cipher ready for use. 16 to 1,000,000, default 4,096; about 1 KiB each.</summary>
    [Range(16, 1_000_000)]
    public int CiphersMax { get; set; } = 4096;

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(SealingOptions options)
    {
        if (!Enum.IsDefined(options.Compression))
            yield return "Sync:Sealing:Compression takes Zstd, Brotli or None.";
        foreach (var (recordClass, dictionary) in options.Dictionaries)
            if (!DictionarySet.Names.Contains(dictionary))
                yield return $"Sync:Sealing:Dictionaries:{recordClass} takes {string.Join(", ", DictionarySet.Names)}; "
                    + $"not {dictionary}.";
    }
}

/// <summary>Where data keys and the keys that wrap them are. Section <c>Sync:Keys</c>.</summary>
internal sealed class KeyOptions
{
    public const string Section = "Sync:Keys";

    /// <summary>This node's folder of data keys, on its own disk and in no backup. Required.</summary>
    [Required(ErrorMessage = "a folder of this node's own")]
    public string StoreDirectory { get; set; } = "";

    /// <summary>
    /// The region's folder of key-encryption keys: each node has its own in it. In no backup that is kept longer than
    /// <see cref="OldEpochDaysMax"/>. Required.
    /// </summary>
    [Required(ErrorMessage = "the region's folder of key-encryption keys")]
    public string ProviderDirectory { get; set; } = "";

    /// <summary>The region's secret: a file with 32 bytes in base64, mode 0600, made at set-up. Required.</summary>
    [Required(ErrorMessage = "the path of a file with 32 bytes in base64")]
    public string SecretFile { get; set; } = "";

    /// <summary>Data keys in memory and on disk, about 1 KiB each. 100 to 5,000,000, default 1,000,000.</summary>
    [Range(100, 5_000_000)]
    public int KeysMax { get; set; } = 1_000_000;

    /// <summary>
    /// How long after an erasure the key-encryption key that had wrapped the erased keys may last, in days. 1 to 30,
    /// default 7. Begun at half of it, so that a node that was down for a while keeps it.
    /// </summary>
    [Range(1, 30)]
    public int OldEpochDaysMax { get; set; } = 7;

    /// <summary>How long a key-encryption key is in use, in days. 1 to 730, default 90.</summary>
    [Range(1, 730)]
    public int RotationDays { get; set; } = 90;

    /// <summary>How often it is looked whether one of the two is due. 1 s to 1 day, default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "1 s to 1 day")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromMinutes(10);
}
