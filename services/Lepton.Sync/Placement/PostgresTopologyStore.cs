using System.Security.Cryptography;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Placement;

/// <summary>
/// The topology in one row of a PostgreSQL database, changed by compare-and-swap on its epoch. For development: one
/// server is one point of failure, and nodes go on without it only as long as they vouch for each other.
/// </summary>
internal sealed class PostgresTopologyStore(
    IOptions<PlacementOptions> options, TimeProvider time, ILoggerFactory loggers) : ITopologyStore, IDisposable
{
    private const int PoolSizeMax = 4;

    private static readonly SchemaSteps Steps = new("topology_steps", 0x4c65_7074_0101,
    [
        """
        CREATE TABLE topology (
            id integer PRIMARY KEY CHECK (id = 1), epoch bigint NOT NULL CHECK (epoch >= 1),
            document bytea NOT NULL, digest bytea NOT NULL, change_time timestamptz NOT NULL DEFAULT now())
        """,
    ]);

    private readonly Lock _making = new();
    private NpgsqlDataSource? _source;
    private bool _hasSchema;
    private Known? _last;

    public string Kind => "postgresql (development)";

    public Task<Topology?> ReadAsync(CancellationToken cancellationToken) => AskAsync<Topology?>(
        async (connection, cancellation) =>
        {
            var last = _last;
            await using var command = new NpgsqlCommand(
                "SELECT digest, CASE WHEN digest <> $1 THEN document END FROM topology", connection);
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = last?.Digest ?? [] });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            if (!await reader.ReadAsync(cancellation))
                return null;
            if (await reader.IsDBNullAsync(1, cancellation) && last is not null)
                return last.Topology;
            var (digest, document) = (reader.GetFieldValue<byte[]>(0), reader.GetFieldValue<byte[]>(1));
            if (!digest.AsSpan().SequenceEqual(SHA256.HashData(document)))
                throw new InvalidDataException("the stored topology is damaged: its digest is another");
            var topology = TopologyDocument.Read(document);
            _last = new Known(digest, topology);
            return topology;
        }, cancellationToken);

    public Task<bool> TryReplaceAsync(Topology next, CancellationToken cancellationToken)
    {
        var document = TopologyDocument.Write(next);
        var text = next.Epoch == 1
            ? "INSERT INTO topology (id, epoch, document, digest) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING"
            : "UPDATE topology SET epoch = $1, document = $2, digest = $3, change_time = now() WHERE epoch = $1 - 1";
        return AskAsync(async (connection, cancellation) =>
        {
            await using var command = new NpgsqlCommand(text, connection);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = next.Epoch });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = document });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = SHA256.HashData(document) });
            return await command.ExecuteNonQueryAsync(cancellation) == 1;
        }, cancellationToken);
    }

    public void Dispose() => _source?.Dispose();

    private async Task<T> AskAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.Value.Topology.TimeMax, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await using var connection = await Source().OpenConnectionAsync(both.Token);
            if (!_hasSchema)
                await Steps.EnsureAsync(connection, both.Token);
            _hasSchema = true;
            return await work(connection, both.Token);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or UnauthorizedAccessException or TimeoutException
            or InvalidDataException or ObjectDisposedException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Forget();
            var why = deadline.IsCancellationRequested
                ? $"no answer within {options.Value.Topology.TimeMax}"
                : e.Message;
            throw new TopologyUnavailableException($"The topology store ({Kind}) does not answer: {why}", e);
        }
    }

    private NpgsqlDataSource Source()
    {
        lock (_making)
            return _source ??= MakeSource();
    }

    // The next question reads anew where it is: an earlier run's file may have been there.
    private void Forget()
    {
        lock (_making)
        {
            _source?.Dispose();
            (_source, _hasSchema) = (null, false);
        }
    }

    private NpgsqlDataSource MakeSource()
    {
        var timeMax = TimeSpan.FromSeconds(Math.Ceiling(options.Value.Topology.TimeMax.TotalSeconds));
        return DataSources.Make(options.Value.Topology.ReadConnection().ConnectionString, "lepton-sync-topology",
            PoolSizeMax, timeMax, timeMax, loggers);
    }

    // So that an unchanged topology is neither sent nor read again.
    private sealed record Known(byte[] Digest, Topology Topology);
}
