using System.Globalization;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Archive;

/// <summary>One history of a server's write-ahead log: its system and timeline. Its pieces share a data key.</summary>
/// <param name="Region">The node's.</param>
/// <param name="Node">Whose log.</param>
/// <param name="SystemId">The server's, from initdb.</param>
/// <param name="Timeline">The server's.</param>
/// <param name="SegmentBytes">Of the server's log files: 1 MiB to 1 GiB, usually 16 MiB.</param>
/// <param name="WrappedKey">The pieces' key.</param>
internal sealed record LogLine(
    string Region, string Node, string SystemId, uint Timeline, int SegmentBytes, byte[] WrappedKey) : IRegional
{
    /// <summary>Where its objects are.</summary>
    public string Prefix => PrefixOf(Node, SystemId, Timeline);

    public static string PrefixOf(string node, string systemId, uint timeline) =>
        string.Create(CultureInfo.InvariantCulture, $"{node}/wal/{systemId}-{timeline:x8}/");

    /// <summary>The beginning of the log file that holds a position.</summary>
    public LogPosition SegmentOf(LogPosition position) => new(position.Value - (position.Value % (ulong)SegmentBytes));

    /// <summary>As PostgreSQL names it.</summary>
    public string SegmentName(ulong number)
    {
        var perId = 0x1_0000_0000UL / (ulong)SegmentBytes;
        return string.Create(CultureInfo.InvariantCulture, $"{Timeline:X8}{number / perId:X8}{number % perId:X8}");
    }
}

/// <summary>A piece of a log: START-END-TIME in hexadecimal, so that names are in the order of the log.</summary>
/// <param name="Name">The object's.</param>
/// <param name="Start">Its first byte.</param>
/// <param name="End">After its last.</param>
/// <param name="Time">When the server sent its last byte: every commit in earlier pieces is older.</param>
/// <param name="Bytes">The object's size.</param>
internal sealed record LogPiece(string Name, LogPosition Start, LogPosition End, DateTimeOffset Time, long Bytes)
{
    private const string Suffix = ".wal";

    public static string NameOf(string prefix, LogPosition start, LogPosition end, DateTimeOffset time) =>
        string.Create(CultureInfo.InvariantCulture,
        $"{prefix}{start.Value:x16}-{end.Value:x16}-{time.ToUnixTimeMilliseconds():x12}{Suffix}");

    /// <summary>Null: the object is no piece.</summary>
    public static LogPiece? Parse(string name, long bytes)
    {
        var file = name[(name.LastIndexOf('/') + 1)..];
        if (!file.EndsWith(Suffix, StringComparison.Ordinal))
            return null;
        var parts = file[..^Suffix.Length].Split('-');
        return parts.Length == 3 && TryHex(parts[0], out var start) && TryHex(parts[1], out var end)
            && TryHex(parts[2], out var time) && end > start && time < (1UL << 47)
            ? new LogPiece(
                name, new LogPosition(start), new LogPosition(end), DateTimeOffset.FromUnixTimeMilliseconds((long)time),
                bytes)
            : null;
    }

    private static bool TryHex(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}

/// <summary>What is missing of a log.</summary>
internal readonly record struct LogGap(LogPosition From, LogPosition To);
