using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Sync.Replication.Capture;

/// <summary>The slot in the server's eyes.</summary>
/// <param name="Retained">Bytes of write-ahead log that it holds back.</param>
/// <param name="ActivePid">Who reads from it; null: nobody.</param>
internal readonly record struct SlotState(long Retained, int? ActivePid);

/// <summary>Where to read.</summary>
/// <param name="Generation">Drawn whenever the slot was made: another slot counts in another timeline. A later one is
/// greater.</param>
/// <param name="DatabaseOid">The database's.</param>
/// <param name="Position">What it has confirmed.</param>
/// <param name="LogEnd">Where the log ends.</param>
/// <param name="LostBecause">There had been a slot, and it is gone or useless; null: no.</param>
internal sealed record SlotPlace(
    Guid Generation, uint DatabaseOid, LogPosition Position, LogPosition LogEnd, string? LostBecause);

/// <summary>The publication and the replication slot of a node: made when missing, watched, dropped.</summary>
internal sealed class PgCaptureSlot(Func<string> connection, string slot, string publication)
{
    /// <summary>What marks our own messages in the log.</summary>
    public const string MessagePrefix = "lepton.sync";

    private const string Table = "capture_generations";

    // A reader that was ended comes back in milliseconds.
    private const int DropTriesMax = 10;

    /// <summary>The node's database.</summary>
    public string ConnectionString => connection();

    public string Name => slot;

    /// <summary>Makes what is missing, and says where reading begins.</summary>
    /// <exception cref="NpgsqlException">The database does not answer, or refuses.</exception>
    /// <exception cref="InvalidOperationException">The slot's name belongs to another database.</exception>
    public async Task<SlotPlace> EnsureAsync(CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        await PublishAsync(open, cancellationToken);
        await ExecuteAsync(open,
            $"CREATE TABLE IF NOT EXISTS {Table} (slot text PRIMARY KEY, generation uuid NOT NULL)",
            cancellationToken);
        var known = await ScalarAsync<Guid?>(
            open, $"SELECT generation FROM {Table} WHERE slot = $1", cancellationToken);
        var fault = await FaultAsync(open, known, cancellationToken);
        if (fault is not null)
        {
            // The generation first: a crash in between leaves no slot, and the next start draws again. It begins with
            // 48 bits of milliseconds, so that of two the later one is the greater.
            await ExecuteAsync(open, $"""
                INSERT INTO {Table} VALUES ($1, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint),
                    12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid)
                ON CONFLICT (slot) DO UPDATE SET generation = excluded.generation
                """, cancellationToken, slot);
            // A failover slot (PostgreSQL 17) goes with the primary's role to a standby that keeps slots in step.
            await ExecuteAsync(open,
                "SELECT pg_create_logical_replication_slot($1, 'pgoutput', failover => true)", cancellationToken, slot);
        }
        return await PlaceAsync(open, known is null ? null : fault, cancellationToken);
    }

    /// <summary>How the slot stands; null: there is none.</summary>
    public async Task<SlotState?> ReadStateAsync(CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("""
            SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint, active_pid
            FROM pg_replication_slots WHERE slot_name = $1
            """, open) { Parameters = { new() { Value = slot } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new SlotState(reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetInt32(1))
            : null;
    }

    /// <summary>Ends whoever reads from the slot and drops it, so that the server may forget its log.</summary>
    public async Task DropAsync(CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        await DropAsync(open, cancellationToken);
    }

    /// <summary>
    /// Writes the database's time into its log: when it is read again, everything committed before has been read.
    /// </summary>
    public async Task MarkAsync(CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        // Flushed: what is not is not decoded, and on a quiet server nothing else would flush it.
        await ExecuteAsync(open, $"""
            SELECT pg_logical_emit_message(
                false, '{MessagePrefix}', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text, true)
            """, cancellationToken);
    }

    private Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) =>
        DataSources.OpenAsync(connection(), cancellationToken);

    private async Task PublishAsync(NpgsqlConnection open, CancellationToken cancellationToken)
    {
        if (await ScalarAsync<bool>(open, "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)",
            cancellationToken, publication))
            return;
        // Only what writes: collected tombstones go by each node's own hand.
        await ExecuteAsync(open, $"""
            CREATE PUBLICATION {publication} FOR TABLE records
            WITH (publish = 'insert, update', publish_via_partition_root = true)
            """, cancellationToken);
    }

    /// <summary>Why a slot must be made; null: there is a good one.</summary>
    private async Task<string?> FaultAsync(NpgsqlConnection open, Guid? known, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT database = current_database() AND plugin = 'pgoutput', wal_status, invalidation_reason
            FROM pg_replication_slots WHERE slot_name = $1
            """, open) { Parameters = { new() { Value = slot } } };
        string fault;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
                return "the replication slot is gone";
            if (reader.IsDBNull(0) || !reader.GetBoolean(0))
                throw new InvalidOperationException($"Sync:Replication:Slot takes a name that no other database of the "
                    + $"server uses; {slot} is another's.");
            if (!reader.IsDBNull(2) || (!reader.IsDBNull(1) && reader.GetString(1) == "lost"))
                fault = $"the replication slot was invalidated: {(reader.IsDBNull(2) ? "lost" : reader.GetString(2))}";
            else if (known is null)
                fault = "the replication slot is of a time that this database does not know of";
            else
                return null;
        }
        await DropAsync(open, cancellationToken);
        return fault;
    }

    private async Task DropAsync(NpgsqlConnection open, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await ExecuteAsync(open, """
                SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots
                WHERE slot_name = $1 AND active_pid IS NOT NULL
                """, cancellationToken, slot);
            try
            {
                await ExecuteAsync(open,
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1",
                    cancellationToken, slot);
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse && attempt < DropTriesMax)
            {
                // Whoever was ended has come back in between.
            }
        }
    }

    private async Task<SlotPlace> PlaceAsync(
        NpgsqlConnection open, string? lostBecause, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT g.generation, d.oid, s.confirmed_flush_lsn, pg_current_wal_lsn()
            FROM pg_replication_slots s JOIN {Table} g ON g.slot = s.slot_name
                JOIN pg_database d ON d.datname = current_database() WHERE s.slot_name = $1
            """, open) { Parameters = { new() { Value = slot } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            throw new InvalidOperationException($"The replication slot {slot} went while it was looked at.");
        return new SlotPlace(reader.GetGuid(0), reader.GetFieldValue<uint>(1),
            new LogPosition((ulong)reader.GetFieldValue<NpgsqlLogSequenceNumber>(2)),
            new LogPosition((ulong)reader.GetFieldValue<NpgsqlLogSequenceNumber>(3)), lostBecause);
    }

    private static async Task ExecuteAsync(
        NpgsqlConnection open, string sql, CancellationToken cancellationToken, string? value = null)
    {
        await using var command = new NpgsqlCommand(sql, open);
        if (value is not null)
            command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<T?> ScalarAsync<T>(
        NpgsqlConnection open, string sql, CancellationToken cancellationToken, string? value = null)
    {
        await using var command = new NpgsqlCommand(sql, open) { Parameters = { new() { Value = value ?? slot } } };
        return (T?)await command.ExecuteScalarAsync(cancellationToken);
    }
}
