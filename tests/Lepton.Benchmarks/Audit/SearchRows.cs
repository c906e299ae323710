using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;
using Npgsql;

namespace Lepton.Benchmarks.Audit;

/// <summary>
/// Rows as three years of a region leave them: 36 months, 5,000 persons and 200 programs, 50 tenants, 20,000 resources,
/// few refusals, one kind of event in a thousand, words from common to rare. Stored bytes are real ones, of a pool.
/// </summary>
internal sealed class SearchRows(EventPreparer preparer, int seed)
{
    public const int Months = 36, Persons = 5000, Programs = 200, Tenants = 50, Resources = 20_000, Actions = 40;

    private const int PoolSize = 20_000, BatchSize = 20_000;

    private readonly Random _random = new(seed);
    private readonly List<PreparedEvent> _pool = [];

    public static string Person(int i) => $"lepton/person-{i}";

    public static string TenantOf(int person) => $"tenant-{person % Tenants}";

    public static string Word(int i) => $"word{(char)('a' + (i % 26))}{i}";

    /// <summary>Traces and decisions are told by their number.</summary>
    public static string Trace(long sequence) => $"{sequence:x32}";

    public static string Decision(long sequence) => $"decision-{sequence}";

    /// <summary>Loads them without indexes, makes those anew, and takes statistics, as the service does by itself.</summary>
    public async Task LoadAsync(NpgsqlConnection connection, long count, DateTime end)
    {
        await AuditSchema.Steps.EnsureAsync(connection, default);
        for (int i = 0; i < PoolSize; i += 1000) // the keys of so many persons with one flush
            _pool.AddRange(preparer.Prepare([.. Enumerable.Range(i, 1000).Select(Event)]));
        DateTime start = Lepton.Compliance.Audit.Storage.Months.Of(end).AddMonths(1 - Months);
        for (int i = 0; i < Months; i++)
        {
            await using NpgsqlTransaction made = await connection.BeginTransactionAsync();
            await Lepton.Compliance.Audit.Storage.Months.EnsureAsync(
                connection, Lepton.Compliance.Audit.Storage.Months.Entries, start.AddMonths(i), default);
            await made.CommitAsync();
        }
        List<string> indexes = await IndexesAsync(connection);
        await ExecuteAsync(connection, "ALTER TABLE audit_entries DROP CONSTRAINT audit_entries_pkey");
        double microsEach = (end - start).TotalMicroseconds / count;
        for (long sequence = 1; sequence <= count;)
        {
            List<StoredEntry> batch = [];
            for (; batch.Count < BatchSize && sequence <= count; sequence++)
                batch.Add(Entry(sequence, EntryTable.MicrosOf(start) + (long)(sequence * microsEach)));
            await EntryTable.CopyAsync(
                connection, Lepton.Compliance.Audit.Storage.Months.Entries, batch, default);
        }
        await ExecuteAsync(connection, "SET maintenance_work_mem = '512MB'");
        await ExecuteAsync(connection, "ALTER TABLE audit_entries ADD PRIMARY KEY (sequence, write_time)");
        foreach (string index in indexes)
            await ExecuteAsync(connection, index);
        await ExecuteAsync(connection, "VACUUM ANALYZE audit_entries");
    }

    private StoredEntry Entry(long sequence, long micros)
    {
        PreparedEvent from = _pool[_random.Next(PoolSize)];
        byte[] leaf = new byte[SHA256.HashSizeInBytes], id = new byte[16];
        _random.NextBytes(leaf);
        _random.NextBytes(id);
        return new StoredEntry(
            from.Columns with
            {
                Sequence = sequence, WriteTimeMicros = micros, EventTimeMicros = micros - _random.Next(5_000_000),
                EventId = new Guid(id), TraceId = Trace(sequence), Text = Text(),
                DecisionId = sequence % 3 == 0 ? Decision(sequence) : "",
            },
            leaf, from.Tail);
    }

    private AuditEvent Event(int i)
    {
        int person = (int)(Persons * Math.Pow(_random.NextDouble(), 2)); // few do much
        bool program = _random.Next(4) == 0;
        byte[] id = new byte[16];
        _random.NextBytes(id);
        return new AuditEvent
        {
            Id = new Guid(id).ToString("N"),
            EventTime = Timestamp.FromDateTime(DateTime.UnixEpoch),
            Category = i % 1000 == 0 ? AuditCategory.Policy : (AuditCategory)_random.Next(1, 4),
            Outcome = _random.Next(50) == 0 ? AuditOutcome.Denied : AuditOutcome.Succeeded,
            Action = $"action.{_random.Next(Actions)}",
            Tenant = TenantOf(person),
            Resource = $"models/{_random.Next(Resources)}",
            Subject = _random.Next(3) == 0 ? $"subject-{_random.Next(2000)}" : "",
            Message = "x",
            Region = "eu-west",
            Zone = "a",
            Service = "routing",
            Process = "routing-eu-west",
            DataClass = "public",
            PolicyVersion = "12",
            Actor = program
                ? new AuditActor { Principal = $"service/eu-west/s{_random.Next(Programs)}", Service = true }
                : new AuditActor { Principal = Person(person), Address = "192.0.2.7" },
        };
    }

    // 'done' in three of five, then from one in thirty to one in a hundred thousand.
    private string Text() => string.Join(' ', (_random.Next(5) < 3 ? (string[])["done"] : []).Concat(
        Enumerable.Range(0, 3).Select(_ => Word((int)Math.Pow(10, _random.NextDouble() * 5)))));

    private static async Task<List<string>> IndexesAsync(NpgsqlConnection connection)
    {
        List<(string Name, string Definition)> found = [];
        await using (NpgsqlCommand command = new(
            """
            SELECT c.relname::text, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = 'audit_entries'::regclass AND NOT i.indisprimary
            """, connection))
        {
            await using NpgsqlDataReader rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
                found.Add((rows.GetString(0), rows.GetString(1).Replace(" ON ONLY ", " ON ", StringComparison.Ordinal)));
        }
        foreach ((string name, _) in found)
            await ExecuteAsync(connection, $"DROP INDEX {name}");
        return [.. found.Select(f => f.Definition)];
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }
}
