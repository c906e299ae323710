using Lepton.Compliance.Client.Audit.Proofs;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>An entry as it is in the table.</summary>
/// <param name="Columns">What it is found by.</param>
/// <param name="LeafHash">32 bytes.</param>
/// <param name="Bytes">The stored bytes.</param>
internal sealed record StoredEntry(EntryColumns Columns, byte[] LeafHash, byte[] Bytes);

/// <summary>The columns of <c>audit_entries</c>, in one order for writing and reading.</summary>
internal static class EntryTable
{
    /// <summary>For SELECT and COPY.</summary>
    public const string Names =
        "sequence, write_time, event_time, event_id, category, outcome, action, reason, tenant, resource, region, "
        + "zone, service, process, data_class, decision_id, policy_version, trace_id, actor, actor_index, "
        + "subject_index, text, leaf_hash, bytes";

    private const long TicksOfMicro = TimeSpan.TicksPerMillisecond / 1000;

    /// <summary>As a timestamptz's value.</summary>
    public static DateTime TimeOf(long micros) => DateTime.UnixEpoch.AddTicks(micros * TicksOfMicro);

    /// <summary>Of a timestamptz's value.</summary>
    public static long MicrosOf(DateTime time) => (time - DateTime.UnixEpoch).Ticks / TicksOfMicro;

    /// <summary>Writes rows by COPY; they are there when the transaction commits.</summary>
    public static async Task CopyAsync(
        NpgsqlConnection connection, string table, IReadOnlyList<StoredEntry> entries,
        CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            $"COPY {table} ({Names}) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var entry in entries)
            await WriteAsync(copy, entry, cancellationToken);
        await copy.CompleteAsync(cancellationToken);
    }

    /// <summary>The row where the reader is.</summary>
    public static StoredEntry Read(NpgsqlDataReader row) => new(
        new EntryColumns
        {
            Sequence = row.GetInt64(0),
            WriteTimeMicros = MicrosOf(row.GetDateTime(1)),
            EventTimeMicros = MicrosOf(row.GetDateTime(2)),
            EventId = row.GetGuid(3),
            Category = row.GetInt16(4),
            Outcome = row.GetInt16(5),
            Action = row.GetString(6),
            Reason = row.GetString(7),
            Tenant = row.GetString(8),
            Resource = row.GetString(9),
            Region = row.GetString(10),
            Zone = row.GetString(11),
            Service = row.GetString(12),
            Process = row.GetString(13),
            DataClass = row.GetString(14),
            DecisionId = row.GetString(15),
            PolicyVersion = row.GetString(16),
            TraceId = row.GetString(17),
            Actor = row.GetString(18),
            ActorIndex = row.IsDBNull(19) ? null : row.GetFieldValue<byte[]>(19),
            SubjectIndex = row.IsDBNull(20) ? null : row.GetFieldValue<byte[]>(20),
            Text = row.GetString(21),
        },
        row.GetFieldValue<byte[]>(22), row.GetFieldValue<byte[]>(23));

    private static async Task WriteAsync(NpgsqlBinaryImporter copy, StoredEntry entry, CancellationToken token)
    {
        var c = entry.Columns;
        await copy.StartRowAsync(token);
        await copy.WriteAsync(c.Sequence, NpgsqlDbType.Bigint, token);
        await copy.WriteAsync(TimeOf(c.WriteTimeMicros), NpgsqlDbType.TimestampTz, token);
        await copy.WriteAsync(TimeOf(c.EventTimeMicros), NpgsqlDbType.TimestampTz, token);
        await copy.WriteAsync(c.EventId, NpgsqlDbType.Uuid, token);
        await copy.WriteAsync(c.Category, NpgsqlDbType.Smallint, token);
        await copy.WriteAsync(c.Outcome, NpgsqlDbType.Smallint, token);
        await TextAsync(c.Action);
        await TextAsync(c.Reason);
        await TextAsync(c.Tenant);
        await TextAsync(c.Resource);
        await TextAsync(c.Region);
        await TextAsync(c.Zone);
        await TextAsync(c.Service);
        await TextAsync(c.Process);
        await TextAsync(c.DataClass);
        await TextAsync(c.DecisionId);
        await TextAsync(c.PolicyVersion);
        await TextAsync(c.TraceId);
        await TextAsync(c.Actor);
        await IndexAsync(c.ActorIndex);
        await IndexAsync(c.SubjectIndex);
        await TextAsync(c.Text);
        await copy.WriteAsync(entry.LeafHash, NpgsqlDbType.Bytea, token);
        await copy.WriteAsync(entry.Bytes, NpgsqlDbType.Bytea, token);

        Task TextAsync(string text) => copy.WriteAsync(text, NpgsqlDbType.Text, token);

        Task IndexAsync(byte[]? index) => index is null
            ? copy.WriteNullAsync(token)
            : copy.WriteAsync(index, NpgsqlDbType.Bytea, token);
    }
}
