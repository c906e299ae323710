using System.Diagnostics;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Sync.Tests.World;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Lepton.Benchmarks.Sync;

/// <summary>A database whose rows come to another one on another server.</summary>
internal sealed class ReplicatedPair : IAsyncDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(2);

    private readonly NpgsqlDataSource _to;
    private readonly Func<ValueTask> _end;

    private ReplicatedPair(IRecordStore from, string to, RowLoad load, Func<ValueTask> end)
    {
        (From, Load, _end) = (from, load, end);
        _to = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(to)
        {
            MaxPoolSize = 1, MaxAutoPrepare = 4, AutoPrepareMinUsages = 2, NoResetOnClose = true,
        });
    }

    /// <summary>Where rows are written.</summary>
    public IRecordStore From { get; }

    public RowLoad Load { get; }

    /// <summary>Two nodes of a region in two zones; the rows are of slots whose home is the first.</summary>
    public static async Task<ReplicatedPair> StartOursAsync(PostgresServer from, PostgresServer to)
    {
        TestSync world = await TestSync.StartAsync([from, to], ["eu-west-a", "eu-west-b"]);
        IServiceProvider home = world["eu-west-a"].Services;
        ITopologySource source = home.GetRequiredService<ITopologySource>();
        RecordClass of = source.Current.Classes.Single(c => c.Name == "eu-personal");
        SlotMap map = source.Current.MapOf(of.Id);
        DataKey key = await home.GetRequiredService<IDataKeys>().ForWriteAsync(of.Id, "demo", null, default);
        RowLoad load = new(of.Id, [.. Enumerable.Range(0, SlotId.Count).Select(s => new SlotId((short)s))
            .Where(s => map.Home(s) == source.Self.Id).Select(s => (s, map.Term(s)))], key.Id);
        return new ReplicatedPair(
            home.GetRequiredService<IRecordStore>(), world["eu-west-b"].Database, load, world.DisposeAsync);
    }

    /// <summary>PostgreSQL's publication and subscription of the same table.</summary>
    public static async Task<ReplicatedPair> StartNativeAsync(PostgresServer from, PostgresServer to)
    {
        (string source, string target) = (await from.CreateDatabaseAsync(), await to.CreateDatabaseAsync());
        StorageParts parts = new(source);
        await using (StorageParts there = new(target))
            await there.Database.EnsureSchemaAsync(default);
        await parts.Database.EnsureSchemaAsync(default);
        await ExecuteAsync(source, "CREATE PUBLICATION native FOR TABLE records WITH (publish = 'insert, update')");
        NpgsqlConnectionStringBuilder super = new(from.SuperConnection), own = new(source);
        string subscriber = new NpgsqlConnectionStringBuilder(to.SuperConnection)
        {
            Database = new NpgsqlConnectionStringBuilder(target).Database,
        }.ConnectionString;
        await ExecuteAsync(subscriber, $"""
            CREATE SUBSCRIPTION native CONNECTION 'host={super.Host} port={super.Port} dbname={own.Database}
                user={super.Username} password={super.Password}'
            PUBLICATION native WITH (copy_data = false, binary = true)
            """);
        RowLoad load = RowLoad.OfAllSlots();
        return new ReplicatedPair(parts.Store, target, load, async () =>
        {
            await ExecuteAsync(subscriber, "DROP SUBSCRIPTION native");
            await parts.DisposeAsync();
        });
    }

    /// <summary>Until a row is there.</summary>
    public async Task ArrivedAsync(ReadOnlyMemory<byte> key)
    {
        long start = Stopwatch.GetTimestamp();
        await using NpgsqlConnection open = await _to.OpenConnectionAsync();
        while (true)
        {
            await using NpgsqlCommand command = new("SELECT 1 FROM records WHERE class = $1 AND key = $2", open)
            {
                Parameters = { RecordColumns.Value(Load.Class.Value), RecordColumns.Bytes(key) },
            };
            if (await command.ExecuteScalarAsync() is not null)
                return;
            if (Stopwatch.GetElapsedTime(start) > patience)
                throw new TimeoutException("The row did not arrive.");
            await Task.Delay(TimeSpan.FromMilliseconds(1));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _to.DisposeAsync();
        await _end();
    }

    private static async Task ExecuteAsync(string connection, string sql)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new(sql, open);
        await command.ExecuteNonQueryAsync();
    }
}
