using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>What came is not what follows what is here.</summary>
internal sealed class LogInconsistentException(string message) : Exception(message);

/// <summary>
/// Keeps another log's copy: one stream at a time, by a lock in the database; every entry's place and hash and every
/// head are verified before they are kept.
/// </summary>
internal sealed class CopyKeeper(
    AuditDatabase database, TileStore tiles, HeadStore heads, PersonKeys keys, Alarms alarms, AuditMetrics metrics,
    InstallationAuthority authority)
{
    private TileStore Tiles => tiles;

    private HeadStore Heads => heads;

    private PersonKeys Keys => keys;

    private Alarms Alarms => alarms;

    private AuditMetrics Metrics => metrics;

    private InstallationAuthority Authority => authority;

    /// <summary>Takes the copy of a log for one stream.</summary>
    /// <exception cref="LogUnavailableException">Another stream has it.</exception>
    public async Task<CopyStream> OpenAsync(string log, CancellationToken cancellationToken)
    {
        var connection = await database.OpenOwnAsync(cancellationToken);
        try
        {
            await using NpgsqlCommand locked = new("SELECT pg_try_advisory_lock($1)", connection);
            locked.Parameters.Add(Sql.Of(BinaryPrimitives.ReadInt64BigEndian(
                SHA256.HashData(Encoding.UTF8.GetBytes("lepton/audit-copy/" + log)))));
            if (await locked.ExecuteScalarAsync(cancellationToken) is not true)
                throw new LogUnavailableException($"The copy of {log} is written by another stream.");
            var size = await SizeAsync(log, cancellationToken);
            var tree = await TreeTiles.LoadAsync(tiles.Reader(log, Months.Copies), size, cancellationToken);
            return new CopyStream(this, connection, log, tree);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>How many entries the copy of a log has.</summary>
    public async Task<long> SizeAsync(string log, CancellationToken cancellationToken) => (await database.QueryAsync(
        """
        SELECT greatest(
            (SELECT coalesce(max(sequence), 0) FROM audit_copies WHERE log = $1),
            (SELECT coalesce(max(last_sequence), 0) FROM audit_anchors WHERE log = $1))
        """, [Sql.Of(log)], r => r.GetInt64(0), cancellationToken))[0];

    /// <summary>One stream's hold of a copy.</summary>
    internal sealed class CopyStream(CopyKeeper keeper, NpgsqlConnection connection, string log, TreeTiles tree)
        : IAsyncDisposable
    {
        private readonly HashSet<DateTime> _months = [];

        public long Size => tree.Size;

        /// <summary>Keeps what came; on disk when it returns.</summary>
        /// <exception cref="LogInconsistentException">It does not follow, or a head is not of what is here.</exception>
        public async Task AddAsync(CopyRequest request, CancellationToken cancellationToken)
        {
            keeper.Keys.Import([.. request.Keys.Select(KeyCopies.Read).OfType<PersonKey>()]);
            List<(EntryColumns Columns, byte[] Hash, byte[] Bytes)> rows = [];
            foreach (var bytes in request.Entries)
            {
                var columns = Columns(bytes.Span, tree.Size + rows.Count + 1);
                rows.Add((columns, MerkleTree.HashLeaf(bytes.Span), bytes.ToByteArray()));
            }
            if (rows.Count > 0)
                await WriteAsync(rows, cancellationToken);
            if (request.Head is { } head)
                await HeadAsync(head, cancellationToken);
        }

        public async ValueTask DisposeAsync() => await connection.DisposeAsync();

        private EntryColumns Columns(ReadOnlySpan<byte> bytes, long sequence)
        {
            try
            {
                var entry = AuditEntry.Parser.ParseFrom(bytes);
                if (entry.Log != log || (long)entry.Sequence != sequence)
                    throw new LogInconsistentException(
                        $"Entry {entry.Sequence} of {entry.Log} is where entry {sequence} of {log} should be.");
                return EntryColumns.Of(entry);
            }
            catch (Exception e) when (e is InvalidDataException or Google.Protobuf.InvalidProtocolBufferException)
            {
                throw new LogInconsistentException($"Entry {sequence} of {log}: {e.Message}");
            }
        }

        private async Task WriteAsync(
            List<(EntryColumns Columns, byte[] Hash, byte[] Bytes)> rows, CancellationToken cancellationToken)
        {
            foreach (var month in rows.Select(r => Months.Of(EntryTable.TimeOf(r.Columns.WriteTimeMicros))).Distinct())
                if (_months.Add(month))
                    await Months.EnsureAsync(connection, Months.Copies, month, cancellationToken);
            foreach (var row in rows)
                tree.Append(row.Hash);
            var changed = tree.Drain();
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (var copy = await connection.BeginBinaryImportAsync(
                "COPY audit_copies (log, sequence, write_time, leaf_hash, bytes) FROM STDIN (FORMAT BINARY)",
                cancellationToken))
            {
                foreach (var (columns, hash, bytes) in rows)
                {
                    await copy.StartRowAsync(cancellationToken);
                    await copy.WriteAsync(log, NpgsqlDbType.Text, cancellationToken);
                    await copy.WriteAsync(columns.Sequence, NpgsqlDbType.Bigint, cancellationToken);
                    await copy.WriteAsync(
                        EntryTable.TimeOf(columns.WriteTimeMicros), NpgsqlDbType.TimestampTz, cancellationToken);
                    await copy.WriteAsync(hash, NpgsqlDbType.Bytea, cancellationToken);
                    await copy.WriteAsync(bytes, NpgsqlDbType.Bytea, cancellationToken);
                }
                await copy.CompleteAsync(cancellationToken);
            }
            if (changed.Count > 0)
            {
                await using NpgsqlBatch batch = new(connection);
                batch.BatchCommands.Add(TileStore.Save(log, changed));
                await batch.ExecuteNonQueryAsync(cancellationToken);
            }
            await transaction.CommitAsync(CancellationToken.None);
            keeper.Metrics.Copied.Add(rows.Count);
        }

        // What the log signed must be what it sent: else one of the two was changed, and this is told for good.
        private async Task HeadAsync(TreeHead head, CancellationToken cancellationToken)
        {
            if (head.Log != log || (long)head.Size > tree.Size)
                throw new LogInconsistentException($"The head of {head.Log} at {head.Size} is not of this copy.");
            if (HeadSignatures.HeadFault(head, keeper.Authority.Certificate) is { } fault)
                throw new LogInconsistentException($"The head of {log} at {head.Size}: {fault}.");
            var root = (long)head.Size == tree.Size
                ? tree.Peaks.Root()
                : await keeper.Tiles.Reader(log, Months.Copies).RootAsync((long)head.Size, cancellationToken);
            if (!head.Root.Span.SequenceEqual(root))
            {
                keeper.Alarms.Raise(log, "copy", $"its head at {head.Size} is not that of the entries it sent");
                throw new LogInconsistentException($"The head of {log} at {head.Size} is not that of its entries.");
            }
            await keeper.Heads.SaveAsync(head, cancellationToken);
            foreach (var word in head.Witnesses)
                await keeper.Heads.AddWitnessAsync(log, (long)head.Size, word, cancellationToken);
        }
    }
}

/// <summary>The installation's certificate authority, by which heads are verified.</summary>
internal sealed class InstallationAuthority(IOptions<TlsOptions> tls) : IDisposable
{
    private X509Certificate2? _certificate;

    public X509Certificate2 Certificate =>
        _certificate ??= X509Certificate2.CreateFromPem(File.ReadAllText(tls.Value.AuthorityFile));

    public void Dispose() => _certificate?.Dispose();
}
