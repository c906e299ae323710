using System.Diagnostics.Metrics;
using Lepton.Sync.Backup;
using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Restore;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Backup.Store;
using Lepton.Sync.Storage;
using Lepton.Sync.Tests.Storage;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Tests.Backup;

/// <summary>A node's storage with a schema, and the parts of its backup over a temporary folder.</summary>
internal sealed class TestBackup : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private bool _isStarted;

    private TestBackup(string connection, string folder, string region, Action<BackupOptions>? configure)
    {
        Connection = connection;
        Folder = folder;
        BackupOptions options = new()
        {
            Enabled = true,
            Directory = Path.Combine(folder, "backups"),
            SecretFile = Path.Combine(folder, "backup.key"),
            ToolsDirectory = MetricList.RepositoryFile(".lepton/tools/postgres"),
            WorkDirectory = folder,
            SaveInterval = TimeSpan.FromMilliseconds(200),
            Slot = $"backup_{Guid.NewGuid():N}",
        };
        configure?.Invoke(options);
        Options = Microsoft.Extensions.Options.Options.Create(options);
        if (!File.Exists(options.SecretFile))
            File.WriteAllText(options.SecretFile, Convert.ToBase64String(Guid.NewGuid().ToByteArray()
                .Concat(Guid.NewGuid().ToByteArray()).ToArray()));
        Storage = new TestStorage(connection);
        Place = new BackupPlace(region, $"{region}-a");
        Store = new FaultyStore(new DirectoryBackupStore(options.Directory, options.BytesMax));
        Key = new SecretFileBackupKey(options.SecretFile);
        Archive = new LogArchive(Store, Key, Place);
        Metrics = new BackupMetrics(_services.GetRequiredService<IMeterFactory>());
        Catalog = new BackupCatalog(Store, Key, Archive, Place, Time);
        Restorer = new Restorer(Catalog, Archive, new BackupUnpacker(Store, Archive), Options, TimeProvider.System);
        Archiver = NewArchiver();
        Backups = NewBackups();
    }

    public string Connection { get; }

    public string Folder { get; }

    public IOptions<BackupOptions> Options { get; }

    public TestStorage Storage { get; }

    public BackupPlace Place { get; }

    public FaultyStore Store { get; }

    public IBackupKey Key { get; }

    public LogArchive Archive { get; }

    public BackupMetrics Metrics { get; }

    public BackupCatalog Catalog { get; }

    public Restorer Restorer { get; }

    public LogArchiver Archiver { get; private set; }

    public BaseBackups Backups { get; private set; }

    /// <summary>The catalog's clock.</summary>
    public MovableTime Time { get; } = new(DateTimeOffset.UtcNow);

    public BackupVerifier Verifier => new(Restorer, Catalog, Place, Options, TimeProvider.System);

    public BackupRunner Runner(BackupJobs jobs) => new(
        jobs, Backups, Catalog, Verifier, Archiver, Archive, Place, Metrics, Options, TimeProvider.System,
        NullLogger<BackupRunner>.Instance);

    /// <param name="connection">Of an empty database.</param>
    /// <param name="start">Archives from now on.</param>
    /// <param name="region">The node's.</param>
    /// <param name="folder">Of an earlier one; null: a new one.</param>
    /// <param name="configure">Changes the options.</param>
    public static async Task<TestBackup> CreateAsync(
        string connection, bool start = true, string region = "eu-west", string? folder = null,
        Action<BackupOptions>? configure = null)
    {
        TestBackup test = new(
            connection, folder ?? Directory.CreateTempSubdirectory("lepton-backup-").FullName, region, configure);
        await test.Storage.Database.EnsureSchemaAsync(CancellationToken.None);
        if (start)
            await test.StartAsync();
        return test;
    }

    public async Task StartAsync()
    {
        await Archiver.StartAsync(CancellationToken.None);
        _isStarted = true;
    }

    /// <summary>As a new process would.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        Archiver = NewArchiver();
        Backups = NewBackups();
        await StartAsync();
    }

    public async Task StopAsync()
    {
        if (_isStarted)
            await Archiver.StopAsync(CancellationToken.None);
        _isStarted = false;
    }

    public async Task<BackupManifest> BackUpAsync()
    {
        using CancellationTokenSource patience = new(Patience);
        return await Backups.CreateAsync(Backups.NewId(), patience.Token);
    }

    /// <summary>Writes rows; they are committed when it returns.</summary>
    public async Task PutAsync(string prefix, int count, string body = "body")
    {
        for (var i = 0; i < count; i++)
            await Storage.Store.PutAsync(TestRecords.Value($"{prefix}{i:D4}", TestRecords.Version(i + 1), body));
    }

    /// <summary>Waits until everything that is committed now is in the archive; the server's time.</summary>
    public async Task<DateTimeOffset> ArchiveAllAsync()
    {
        await using NpgsqlConnection sql = new(Connection);
        await sql.OpenAsync();
        await using NpgsqlCommand command = new(
            "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8, clock_timestamp()", sql);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var (end, now) = ((ulong)reader.GetInt64(0), reader.GetDateTime(1));
        using CancellationTokenSource patience = new(Patience);
        while (Archiver.State.Line is null)
            await Task.Delay(20, patience.Token);
        await Archiver.WaitSavedAsync(Archiver.State.Line, new Records.LogPosition(end), patience.Token);
        return now;
    }

    /// <summary>The keys of a restored database, read as its owner would.</summary>
    public async Task<List<string>> RestoreAsync(
        DateTimeOffset? time = null, string? id = null, string? node = null, Func<Restored, Task>? look = null)
    {
        var folder = Path.Combine(Folder, $"restored-{Guid.NewGuid():N}");
        using CancellationTokenSource patience = new(Patience);
        var restored = await Restorer.RestoreAsync(
            new RestorePoint(node ?? Place.Node, id, time), folder, patience.Token);
        await using var server = restored.Server;
        List<string> keys = [];
        await using NpgsqlConnection sql = new(server.Connection("sync", restored.Manifest.Database));
        await sql.OpenAsync();
        await using NpgsqlCommand command = new("SELECT convert_from(key, 'UTF8') FROM records ORDER BY key", sql);
        await using (var reader = await command.ExecuteReaderAsync())
            while (await reader.ReadAsync())
                keys.Add(reader.GetString(0));
        if (look is not null)
            await look(restored);
        await server.StopAsync();
        return keys;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        // The server may not have noticed yet that its reader went.
        await new PgCaptureSlot(() => Connection, Options.Value.Slot, "").DropAsync(CancellationToken.None);
        await Storage.DisposeAsync();
        await _services.DisposeAsync();
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }

    private LogArchiver NewArchiver() => new(
        Archive, Options, Storage.Options, Metrics, TimeProvider.System, NullLogger<LogArchiver>.Instance);

    private BaseBackups NewBackups() => new(
        Store, Key, Archiver, Archive, Place, Options, Storage.Options, TimeProvider.System);
}

/// <summary>A store that fails when a test says so.</summary>
internal sealed class FaultyStore(IBackupStore inner) : IBackupStore
{
    /// <summary>Throws, or waits, before an object of this name is complete.</summary>
    public Func<string, Task> BeforeEnd { get; set; } = _ => Task.CompletedTask;

    public Task PutAsync(
        string name, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken) =>
        inner.PutAsync(name, async (stream, token) =>
        {
            await write(stream, token);
            await BeforeEnd(name);
        }, cancellationToken);

    public Task<Stream> OpenAsync(string name, CancellationToken cancellationToken) =>
        inner.OpenAsync(name, cancellationToken);

    public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    public Task TidyAsync(CancellationToken cancellationToken) => inner.TidyAsync(cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        inner.DeleteAsync(name, cancellationToken);
}
