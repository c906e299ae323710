using System.Diagnostics.Metrics;
using Lepton.Sync.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Storage;

/// <summary>The storage's parts by hand: over a real database, or over another store.</summary>
internal sealed class TestStorage : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    /// <param name="connection">Empty: there is no database, and nothing that uses it is asked for.</param>
    public TestStorage(string connection, Action<StorageOptions>? configure = null, TimeProvider? time = null)
    {
        // A busy machine is no fault of what is tested.
        StorageOptions options = new()
        {
            Database = connection, CommandTimeMax = TimeSpan.FromMinutes(1), ConnectTimeMax = TimeSpan.FromMinutes(1),
        };
        configure?.Invoke(options);
        Options = Microsoft.Extensions.Options.Options.Create(options);
        Time = time ?? TimeProvider.System;
        _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        Metrics = new StorageMetrics(_services.GetRequiredService<IMeterFactory>());
        Database = new RecordDatabase(Options, Metrics, Time, NullLoggerFactory.Instance);
        Store = new PostgresRecordStore(Database, Metrics);
    }

    public IOptions<StorageOptions> Options { get; }

    public TimeProvider Time { get; }

    public StorageMetrics Metrics { get; }

    public RecordDatabase Database { get; }

    public PostgresRecordStore Store { get; }

    public HybridClock Clock(ILogger<HybridClock>? logger = null) =>
        new(Time, Options, Metrics, logger ?? NullLogger<HybridClock>.Instance);

    public HomeWriter Writer(IRecordStore store, HybridClock? clock = null) =>
        new(store, clock ?? Clock(), Options, Metrics, NullLogger<HomeWriter>.Instance);

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _services.DisposeAsync();
    }
}
