using System.Diagnostics;
using System.Globalization;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// Durable writes of 1 KiB at level LOCAL by 64 clients: the home's writer against one row a commit over as many
/// connections, each statement prepared. One server, its defaults (fsync on), a database each; rounds in turns.
/// </summary>
internal static class PutsBench
{
    private const int Clients = 64;
    private const int Keys = 20_000;
    private const int BodyBytes = 1024;
    private const int Rounds = 5;
    private static readonly TimeSpan roundTime = TimeSpan.FromSeconds(2);

    internal static async Task<IReadOnlyDictionary<string, double>> RunAsync()
    {
        PostgresServer server = new("sync", replicates: true);
        await server.InitializeAsync();
        try
        {
            return await MeasureAsync(server);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static async Task<IReadOnlyDictionary<string, double>> MeasureAsync(PostgresServer server)
    {
        await using GroupedPuts grouped = new(await server.CreateDatabaseAsync());
        await using SinglePuts single = new(await server.CreateDatabaseAsync());
        await grouped.PrepareAsync();
        await single.PrepareAsync();
        List<double> groupedRates = [], singleRates = [], ratios = [];
        for (int round = 0; round <= Rounds; round++)
        {
            double a = await RoundAsync(grouped.PutAsync, round), b = await RoundAsync(single.PutAsync, round);
            if (round == 0)
                continue; // warms both up
            groupedRates.Add(a);
            singleRates.Add(b);
            ratios.Add(a / b);
        }
        double groupedMedian = Paired.Median(groupedRates), singleMedian = Paired.Median(singleRates);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"puts: {Clients} clients, {grouped.Connections} connections, {BodyBytes} B, medians of {Rounds} rounds"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  group commit {groupedMedian,9:F0}/s   a row a commit {singleMedian,9:F0}/s   ratios by round "
            + $"{ratios.Min():F2} to {ratios.Max():F2}"));
        return new Dictionary<string, double>
        {
            ["puts_vs_single_row_commit"] = groupedMedian / singleMedian,
        };
    }

    // Every client writes one record after another; the rate is of writes that were answered.
    private static async Task<double> RoundAsync(Func<StoredRecord, Task> put, int round)
    {
        long start = Stopwatch.GetTimestamp();
        int[] counts = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            Random random = new((round * Clients) + client);
            int count = 0;
            for (; Stopwatch.GetElapsedTime(start) < roundTime; count++)
                await put(Draw(random));
            return count;
        })));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static StoredRecord Draw(Random random)
    {
        byte[] body = new byte[BodyBytes], key = new byte[24];
        random.NextBytes(body);
        random.Next(Keys).TryFormat(key.AsSpan(), out _, "D24", CultureInfo.InvariantCulture);
        return new StoredRecord
        {
            Class = new ClassId(0), Slot = new SlotId((short)random.Next(SlotId.Count)), Key = key,
            Version = RecordVersion.None, Kind = RecordKind.Value, KeyId = new KeyId(new Guid(1, 2, 3, new byte[8])),
            Body = body, RequestId = Guid.Empty, Sha256 = default,
        };
    }

    private static StoredRecord Seal(StoredRecord record, RecordVersion version)
    {
        record = record with { Version = version };
        return record with { Sha256 = StoredRecord.Digest(record) };
    }

    private sealed class GroupedPuts : IAsyncDisposable
    {
        private readonly StorageParts _parts;
        private readonly HomeWriter _writer;

        public GroupedPuts(string connection)
        {
            _parts = new StorageParts(connection);
            _writer = new HomeWriter(
                _parts.Store, _parts.Clock, _parts.Options, _parts.Metrics, NullLogger<HomeWriter>.Instance);
        }

        public int Connections => _parts.Options.Value.CommitConnections;

        public Task PrepareAsync() => _parts.Database.EnsureSchemaAsync(default);

        public async Task PutAsync(StoredRecord record)
        {
            HomeOutcome outcome = await _writer.WriteAsync(new WriteDraft
            {
                Class = record.Class, Slot = record.Slot, Key = record.Key, Term = 1, Kind = record.Kind,
                Bytes = record.Body.Length, Seal = version => Seal(record, version),
            }, default);
            if (outcome.Kind != HomeOutcomeKind.Done)
                throw new InvalidOperationException($"A write was {outcome.Kind}.");
        }

        public async ValueTask DisposeAsync()
        {
            await _writer.DisposeAsync();
            await _parts.DisposeAsync();
        }
    }

    private sealed class SinglePuts(string connection) : IAsyncDisposable
    {
        private const string Sql =
            """
            INSERT INTO records AS r VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)
            ON CONFLICT (class, key) DO UPDATE SET slot = excluded.slot, term = excluded.term, clock = excluded.clock,
                kind = excluded.kind, key_id = excluded.key_id, body = excluded.body, sha256 = excluded.sha256,
                request_id = excluded.request_id
            WHERE (r.term, r.clock) < (excluded.term, excluded.clock)
            """;

        private readonly StorageParts _parts = new(connection);
        private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connection)
            {
                MaxPoolSize = new StorageOptions().CommitConnections, MaxAutoPrepare = 8, AutoPrepareMinUsages = 2,
                NoResetOnClose = true,
            });

        public Task PrepareAsync() => _parts.Database.EnsureSchemaAsync(default);

        // A version that another write of the key has overtaken changes nothing, but is a commit all the same.
        public async Task PutAsync(StoredRecord draft)
        {
            StoredRecord record = Seal(draft, new RecordVersion(1, _parts.Clock.Next()));
            await using NpgsqlCommand command = _source.CreateCommand(Sql);
            command.Parameters.AddRange(new NpgsqlParameter[]
            {
                RecordColumns.Value(record.Class.Value), RecordColumns.Value(record.Slot.Value),
                RecordColumns.Bytes(record.Key), RecordColumns.Value(record.Version.Term),
                RecordColumns.Value(record.Version.Clock), RecordColumns.Value((short)record.Kind),
                RecordColumns.Value(record.KeyId.Value), RecordColumns.Bytes(record.Body),
                RecordColumns.Bytes(record.Sha256),
            });
            await command.ExecuteNonQueryAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await _source.DisposeAsync();
            await _parts.DisposeAsync();
        }
    }
}
