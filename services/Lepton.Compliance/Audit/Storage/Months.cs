using System.Globalization;
using Npgsql;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>
/// Month partitions of a table by its write_time, named TABLE_YYYYMM. Made ahead by maintenance, and by whoever writes
/// into a month that has none yet.
/// </summary>
internal static class Months
{
    /// <summary>The table of own entries, and that of other logs' copies.</summary>
    public const string Entries = "audit_entries", Copies = "audit_copies";

    /// <summary>The first day of a time's month.</summary>
    public static DateTime Of(DateTime time) => new(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>A partition's name.</summary>
    public static string NameOf(string table, DateTime month) =>
        $"{table}_{month.ToString("yyyyMM", CultureInfo.InvariantCulture)}";

    /// <summary>Makes a month's partition where it is not there; several may try at once.</summary>
    public static async Task EnsureAsync(
        NpgsqlConnection connection, string table, DateTime month, CancellationToken cancellationToken)
    {
        var from = month.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var to = month.AddMonths(1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        // Vacuum by inserts more often than a fifth of the table: an index-only look needs the visibility map.
        await using NpgsqlCommand command = new(
            $"""
            SELECT pg_advisory_xact_lock(hashtextextended('lepton/months', 0));
            CREATE TABLE IF NOT EXISTS {NameOf(table, month)} PARTITION OF {table}
                FOR VALUES FROM ('{from} 00:00+00') TO ('{to} 00:00+00')
                WITH (autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05)
            """, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The months that a table has, oldest first.</summary>
    public static async Task<List<DateTime>> ListAsync(
        NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(
            """
            SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = to_regclass($1) ORDER BY 1
            """, connection);
        command.Parameters.Add(Sql.Of(table));
        List<DateTime> months = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (DateTime.TryParseExact(reader.GetString(0), $"'{table}_'yyyyMM", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var month))
                months.Add(month);
        }
        return months;
    }
}
