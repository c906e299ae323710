using System.Diagnostics;
using System.Globalization;
using Lepton.Postgres;
using Npgsql;

namespace Lepton.Testing;

/// <summary>A real server, run as the app host runs it; tests have databases of their own.</summary>
/// <param name="role">Who owns them.</param>
/// <param name="replicates">The role may read the write-ahead log.</param>
/// <param name="data">The supervisor's folder; null: a new one.</param>
public class PostgresServer(string role, bool replicates = false, string? data = null)
{
    private const int Terminate = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly string _data = data ?? Directory.CreateTempSubdirectory("lepton-pg-").FullName;
    private readonly ManualResetEventSlim _ended = new();
    private readonly TaskCompletionSource<Process> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _databases;

    /// <summary>Returns when it accepts connections.</summary>
    public async Task InitializeAsync()
    {
        // The server ends with the thread that started it, should this process be killed: the thread lives on.
        new Thread(Run) { IsBackground = true }.Start();
        var process = await _started.Task;
        await WaitAsync(() => process.HasExited || File.Exists(Path.Combine(_data, "ready")));
        if (process.HasExited)
            throw new InvalidOperationException("The server ended.");
    }

    /// <summary>Ends it and deletes its files.</summary>
    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        using var process = await _started.Task;
        Signals.Send(process.Id, Terminate);
        await WaitAsync(() => process.HasExited);
        _ended.Set();
        Directory.Delete(_data, recursive: true);
    }

    /// <summary>Kills the server (kill -9 of its main process) and returns when it has recovered.</summary>
    public async Task CrashAsync()
    {
        using var process = Process.GetProcessById((await _started.Task).Id);
        var ready = Path.Combine(_data, "ready");
        var pid = await File.ReadAllTextAsync(ready);
        Signals.Send(int.Parse(pid, CultureInfo.InvariantCulture), Signals.Kill);
        await WaitAsync(() => process.HasExited || (ReadReady(ready) is { Length: > 0 } next && next != pid));
        if (process.HasExited)
            throw new InvalidOperationException("The server's supervisor ended.");
    }

    /// <summary>The connection string to the role's own database.</summary>
    public string OwnConnection => new ServerFolder(_data).ReadConnections()[role];

    /// <summary>The superuser's connection string, which no test of the service itself uses.</summary>
    public string SuperConnection
    {
        get
        {
            var folder = new ServerFolder(_data);
            return new NpgsqlConnectionStringBuilder(folder.ReadConnections()[role])
            {
                Username = ServerFolder.Superuser, Password = folder.EnsureSecrets([])[ServerFolder.Superuser],
                Database = "postgres", Pooling = false,
            }.ConnectionString;
        }
    }

    /// <summary>An empty database; its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var owner = new NpgsqlConnectionStringBuilder(new ServerFolder(_data).ReadConnections()[role])
        {
            Database = $"test_{Interlocked.Increment(ref _databases)}",
            MaxPoolSize = 8,
            Timeout = 60, // a busy machine is no fault of what is tested
            CommandTimeout = 60,
        };
        await using var connection = new NpgsqlConnection(SuperConnection);
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"CREATE DATABASE {owner.Database} OWNER {role}", connection);
        await create.ExecuteNonQueryAsync();
        return owner.ConnectionString;
    }

    /// <summary>
    /// Ends whoever is connected and drops a database with its replication slots, of which a server has few: a slot
    /// left behind keeps its log as well.
    /// </summary>
    public async Task DropDatabaseAsync(string connection)
    {
        using (var pool = new NpgsqlConnection(connection))
            NpgsqlConnection.ClearPool(pool);
        var name = new NpgsqlConnectionStringBuilder(connection).Database;
        await using var super = new NpgsqlConnection(SuperConnection);
        await super.OpenAsync();
        // Nobody comes back between the two: an active slot would keep the database.
        await ExecuteAsync($"ALTER DATABASE {name} ALLOW_CONNECTIONS false");
        await ExecuteAsync($"""
            SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots
            WHERE database = '{name}' AND active_pid IS NOT NULL
            """);
        await ExecuteAsync($"DROP DATABASE {name} WITH (FORCE)");

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, super);
            await command.ExecuteNonQueryAsync();
        }
    }

    // It is there only while the server works, and may go between the question and the reading.
    private static string? ReadReady(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private void Run()
    {
        try
        {
            string[] arguments =
            [
                "--pdeathsig", "TERM", "--", "dotnet", Program(),
                "--tools", MetricList.RepositoryFile(".lepton/tools/postgres"), "--data", _data,
                "--databases", replicates ? role + "+replication" : role,
            ];
            _started.SetResult(Process.Start(new ProcessStartInfo("setpriv", arguments))
                ?? throw new InvalidOperationException("setpriv did not start."));
        }
        catch (Exception e)
        {
            _started.SetException(e);
            return;
        }
        _ended.Wait();
    }

    // From its own output: beside the tests it would lack what they have from ASP.NET's framework.
    private static string Program()
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return MetricList.RepositoryFile($".lepton/build/bin/Lepton.Postgres/{configuration}/Lepton.Postgres.dll");
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(PollInterval);
        while (!condition())
            await timer.WaitForNextTickAsync(patience.Token);
    }
}
