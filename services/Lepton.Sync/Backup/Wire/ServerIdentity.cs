using System.Globalization;
using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Wire;

/// <summary>Which history a server writes: IDENTIFY_SYSTEM.</summary>
/// <param name="SystemId">Given by initdb; the same in copies.</param>
/// <param name="Timeline">From 1; each recovery from an archive begins a new one.</param>
/// <param name="Flushed">The end of its log.</param>
internal readonly record struct ServerIdentity(string SystemId, uint Timeline, LogPosition Flushed)
{
    public static async Task<ServerIdentity> ReadAsync(ReplicationLink link, CancellationToken cancellationToken)
    {
        var rows = await link.QueryAsync("IDENTIFY_SYSTEM", cancellationToken);
        return rows is [[{ } system, { } timeline, { } position, ..]]
            ? new ServerIdentity(
                system, uint.Parse(timeline, CultureInfo.InvariantCulture), PositionText.Parse(position))
            : throw new BackupException(
                BackupFault.ServerRefused, "The database server did not say which system it is.");
    }
}

/// <summary>Positions as PostgreSQL writes them: <c>16/B374D848</c>.</summary>
internal static class PositionText
{
    public static LogPosition Parse(string text)
    {
        var slash = text.IndexOf('/');
        return slash > 0
            && ulong.TryParse(text.AsSpan(0, slash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var high)
            && ulong.TryParse(text.AsSpan(slash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var low)
            ? new LogPosition((high << 32) | low)
            : throw new BackupException(BackupFault.ServerRefused, $"\"{text}\" is no position of a log.");
    }

    public static string Of(LogPosition position) => string.Create(
        CultureInfo.InvariantCulture, $"{position.Value >> 32:X}/{position.Value & uint.MaxValue:X}");
}
