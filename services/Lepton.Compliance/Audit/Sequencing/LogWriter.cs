using System.Buffers.Binary;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Npgsql;

namespace Lepton.Compliance.Audit.Sequencing;

/// <summary>What was written together, for those who pass it on.</summary>
/// <param name="Entries">In their order.</param>
internal sealed record WrittenBatch(IReadOnlyList<StoredEntry> Entries);

/// <summary>
/// The log's end: gives places and times, and writes entries with the tree's hashes in one transaction over the
/// connection that holds the log's lock. Used by one at a time; <see cref="Peaks"/> by anyone.
/// </summary>
internal sealed class LogWriter(
    AuditDatabase database, TileStore tiles, LogName log, AuditMetrics metrics,
    TimeProvider time) : IAsyncDisposable
{
    private const int IdsOfGeneration = 100_000;
    private const long TicksOfMicro = TimeSpan.TicksPerMillisecond / 1000;

    private readonly RecentIds _ids = new(IdsOfGeneration);
    private readonly HashSet<DateTime> _months = [];
    private NpgsqlConnection? _connection;
    private TreeTiles _tree = TreeTiles.Empty();
    private long _lastTimeMicros;
    private volatile CompactRange _peaks = new();
    private volatile bool _isOpen;

    /// <summary>A batch is committed.</summary>
    public event Action<WrittenBatch>? Written;

    /// <summary>It can be written now.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>For people, while it cannot.</summary>
    public string WhyClosed { get; private set; } = "The audit log is being opened.";

    /// <summary>The committed tree. Not to be changed.</summary>
    public CompactRange Peaks => _peaks;

    /// <summary>Takes the log's lock and reads its end, without writing anything.</summary>
    /// <exception cref="LogUnavailableException">Another process writes it.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        await CloseAsync("The audit log is being opened.");
        var connection = await database.OpenOwnAsync(cancellationToken);
        try
        {
            await AuditSchema.Steps.EnsureAsync(connection, cancellationToken);
            await using NpgsqlCommand locked = new("SELECT pg_try_advisory_lock($1)", connection);
            locked.Parameters.Add(Sql.Of(log.LockId));
            if (await locked.ExecuteScalarAsync(cancellationToken) is not true)
                throw new LogUnavailableException($"Another process writes the log {log}.");
            await LoadAsync(connection, cancellationToken);
            _connection = connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets batches in: what is there was found good.</summary>
    public void Open() => _isOpen = true;

    /// <summary>Lets go of the lock.</summary>
    public async Task CloseAsync(string why)
    {
        (_isOpen, WhyClosed) = (false, why);
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync() => await CloseAsync("The audit log stops.");

    /// <summary>Writes batches in one transaction.</summary>
    /// <returns>Of each batch, what became of it.</returns>
    public async Task<IReadOnlyList<AppendResult>> WriteAsync(
        IReadOnlyList<IReadOnlyList<PreparedEvent>> batches, CancellationToken cancellationToken)
    {
        var connection = _connection ?? throw new InvalidOperationException("The log is not open.");
        var known = await KnownAsync(connection, batches, cancellationToken);
        HashSet<UInt128> fresh = [];
        List<StoredEntry> entries = [];
        List<long> last = [];
        var size = _tree.Size;
        // Never back, whatever the clock does: partitions and searches rest on it.
        _lastTimeMicros = Math.Max(_lastTimeMicros, NowMicros());
        foreach (var batch in batches)
        {
            var before = entries.Count;
            foreach (var e in batch)
                if (!known.Contains(e.Id) && fresh.Add(e.Id))
                    entries.Add(Place(e, size + entries.Count + 1));
            last.Add(entries.Count > before ? size + entries.Count : 0);
        }
        if (entries.Count > 0)
            await CommitAsync(connection, entries, cancellationToken);
        foreach (var id in fresh)
            _ids.Add(id);
        metrics.Came("written", entries.Count);
        metrics.Came("repeated", batches.Sum(b => b.Count) - entries.Count);
        return [.. last.Select(sequence => new AppendResult(sequence, _tree.Size))];
    }

    /// <summary>Writes entries that this log had before, from a copy, at their places.</summary>
    public async Task RestoreAsync(IReadOnlyList<StoredEntry> entries, CancellationToken cancellationToken)
    {
        var connection = _connection ?? throw new InvalidOperationException("The log is not open.");
        await CommitAsync(connection, entries, cancellationToken);
        _lastTimeMicros = entries[^1].Columns.WriteTimeMicros;
        foreach (var entry in entries)
            _ids.Add(NumberOf(entry.Columns.EventId)); // so that a repetition is known as such here too
    }

    /// <summary>Takes back the hashes of entries that were dropped as over: proofs need them.</summary>
    public async Task RestoreLeavesAsync(byte[] hashes, CancellationToken cancellationToken)
    {
        var connection = _connection ?? throw new InvalidOperationException("The log is not open.");
        for (var at = 0; at < hashes.Length; at += MerkleTree.HashBytes)
            _tree.Append(hashes[at..(at + MerkleTree.HashBytes)]);
        var changed = _tree.Drain();
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (NpgsqlBatch batch = new(connection))
        {
            batch.BatchCommands.Add(TileStore.Save(log.Value, [.. changed, .. _tree.Leaves()]));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                """
                INSERT INTO audit_anchors AS a
                    (partition, log, first_sequence, last_sequence, last_write_time, root, drop_time)
                VALUES ('restored/' || $1, $1, 1, $2, '1970-01-01', $3, $4)
                ON CONFLICT (partition) DO UPDATE SET last_sequence = excluded.last_sequence, root = excluded.root
                """)
            {
                Parameters =
                {
                    Sql.Of(log.Value), Sql.Of(_tree.Size), Sql.Of(_tree.Peaks.Root()), Sql.Of(time.GetUtcNow()),
                },
            });
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(CancellationToken.None);
        _peaks = _tree.Peaks;
    }

    private async Task CommitAsync(
        NpgsqlConnection connection, IReadOnlyList<StoredEntry> entries, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        foreach (var entry in entries)
            await EnsureMonthAsync(connection, entry, cancellationToken);
        foreach (var entry in entries)
            _tree.Append(entry.LeafHash);
        var changed = _tree.Drain();
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await EntryTable.CopyAsync(connection, Months.Entries, entries, cancellationToken);
        if (changed.Count > 0)
        {
            await using NpgsqlBatch batch = new(connection);
            batch.BatchCommands.Add(TileStore.Save(log.Value, changed));
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        // From here it may be done: who is not answered asks again, and is known by his events' ids.
        await transaction.CommitAsync(CancellationToken.None);
        _peaks = _tree.Peaks;
        metrics.BatchSize.Record(entries.Count);
        metrics.CommitDuration.Record(time.GetElapsedTime(start).TotalSeconds);
        Written?.Invoke(new WrittenBatch(entries));
    }

    private StoredEntry Place(PreparedEvent prepared, long sequence)
    {
        AuditEntry head = new()
        {
            Log = log.Value, Sequence = (ulong)sequence,
            WriteTime = Timestamp.FromDateTime(EntryTable.TimeOf(_lastTimeMicros)),
        };
        // Fields in the order of their numbers: those of the head come first.
        var bytes = new byte[head.CalculateSize() + prepared.Tail.Length];
        head.WriteTo(bytes.AsSpan(0, bytes.Length - prepared.Tail.Length));
        prepared.Tail.CopyTo(bytes, bytes.Length - prepared.Tail.Length);
        return new StoredEntry(
            prepared.Columns with { Sequence = sequence, WriteTimeMicros = _lastTimeMicros },
            MerkleTree.HashLeaf(bytes), bytes);
    }

    private async Task EnsureMonthAsync(
        NpgsqlConnection connection, StoredEntry entry, CancellationToken cancellationToken)
    {
        var month = Months.Of(EntryTable.TimeOf(entry.Columns.WriteTimeMicros));
        if (_months.Contains(month))
            return;
        await Months.EnsureAsync(connection, Months.Entries, month, cancellationToken);
        _months.Add(month);
    }

    private async Task<HashSet<UInt128>> KnownAsync(
        NpgsqlConnection connection, IReadOnlyList<IReadOnlyList<PreparedEvent>> batches,
        CancellationToken cancellationToken)
    {
        HashSet<UInt128> known = [];
        List<PreparedEvent> unsure = [];
        foreach (var e in batches.SelectMany(b => b))
        {
            switch (_ids.Find(e.Id))
            {
                case true:
                    known.Add(e.Id);
                    break;
                case null:
                    unsure.Add(e);
                    break;
            }
        }
        if (unsure.Count == 0)
            return known;
        await using NpgsqlCommand command = new(
            "SELECT event_id FROM audit_entries WHERE event_id = ANY($1)", connection);
        command.Parameters.Add(Sql.Of([.. unsure.Select(e => e.Columns.EventId)]));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            known.Add(NumberOf(reader.GetGuid(0)));
        return known;
    }

    private async Task LoadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Of a log whose partitions were all dropped the anchors know how far it came.
        var (size, micros) = await RowAsync(
            """
            (SELECT sequence, write_time FROM audit_entries ORDER BY sequence DESC LIMIT 1)
            UNION ALL SELECT last_sequence, last_write_time FROM audit_anchors WHERE log = $1
            ORDER BY 1 DESC LIMIT 1
            """, r => (r.GetInt64(0), EntryTable.MicrosOf(r.GetDateTime(1))));
        var greatest = await RowAsync(
            "SELECT event_id, $1 FROM audit_entries ORDER BY event_id DESC LIMIT 1", r => NumberOf(r.GetGuid(0)));
        _tree = await TreeTiles.LoadAsync(tiles.Reader(log.Value, Months.Entries), size, cancellationToken);
        _lastTimeMicros = micros;
        _ids.Reset(greatest);
        _months.Clear();
        _peaks = _tree.Peaks;

        async Task<T> RowAsync<T>(string sql, Func<NpgsqlDataReader, T> read) where T : struct
        {
            await using NpgsqlCommand command = new(sql, connection);
            command.Parameters.Add(Sql.Of(log.Value));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? read(reader) : default;
        }
    }

    private static UInt128 NumberOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private long NowMicros() => (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TicksOfMicro;
}
