using System.Diagnostics.Metrics;
using Lepton.Sync.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Benchmarks.Sync;

/// <summary>The storage's parts, as the service puts them together.</summary>
internal sealed class StorageParts : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public StorageParts(string connection)
    {
        Options = Microsoft.Extensions.Options.Options.Create(new StorageOptions { Database = connection });
        Metrics = new StorageMetrics(_services.GetRequiredService<IMeterFactory>());
        Database = new RecordDatabase(Options, Metrics, TimeProvider.System, NullLoggerFactory.Instance);
        Store = new PostgresRecordStore(Database, Metrics);
        Clock = new HybridClock(TimeProvider.System, Options, Metrics, NullLogger<HybridClock>.Instance);
    }

    public IOptions<StorageOptions> Options { get; }

    public StorageMetrics Metrics { get; }

    public RecordDatabase Database { get; }

    public PostgresRecordStore Store { get; }

    public HybridClock Clock { get; }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _services.DisposeAsync();
    }
}
