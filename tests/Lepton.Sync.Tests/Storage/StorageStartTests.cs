using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>The storage as the service puts it together.</summary>
[Collection("postgres")]
public sealed class StorageStartTests(SyncServer server) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lepton-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>S4: a node that starts again gives no version that it, or its source, gave before.</summary>
    [Fact]
    public async Task StartAsync_TheDatabaseComesLater_TablesAreMadeAndTheClockGoesOn()
    {
        string connection = await server.CreateDatabaseAsync();
        long ahead = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeMilliseconds() << 16;
        await using (TestStorage earlier = new(connection))
        {
            await earlier.Database.EnsureSchemaAsync(default);
            await earlier.Store.ApplyAsync(new SourceProgress(new NodeId(1), "t", new LogPosition(1)),
                [Value("a", Version(ahead))], default);
        }
        string file = Path.Combine(_folder, "connection");
        using IHost host = Host(("Sync:Storage:DatabaseFile", file));

        Task start = host.StartAsync();
        Assert.False(start.IsCompleted);
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync()).Status);
        await File.WriteAllTextAsync(file + ".new", connection);
        File.Move(file + ".new", file);
        await start.WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync()).Status);
        Assert.True(host.Services.GetRequiredService<HybridClock>().Next() > ahead);
        HomeOutcome outcome = await host.Services.GetRequiredService<HomeWriter>().WriteAsync(new WriteDraft
        {
            Class = TestRecords.Class, Slot = Slot, Key = Key("a"), Term = 1, Kind = RecordKind.Value, Bytes = 10,
            Expected = Version(ahead), Seal = version => Value("a", version),
        }, default);
        Assert.Equal(HomeOutcomeKind.Done, outcome.Kind);
        await host.StopAsync();
    }

    [Fact]
    public async Task StartAsync_ABadValue_IsRefusedByName()
    {
        using IHost host = Host(("Sync:Storage:CommitConnections", "0"), ("Sync:Storage:Database", "Host=x"));

        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Equal(["Sync:Storage:CommitConnections takes 1 to 64."], e.Failures);
    }

    [Fact]
    public async Task StartAsync_NoDatabaseInTime_SaysWhy()
    {
        using IHost host = Host(
            ("Sync:Storage:DatabaseFile", Path.Combine(_folder, "none")), ("Sync:Storage:StartTimeMax", "00:00:00"));

        await Assert.ThrowsAsync<FileNotFoundException>(() => host.StartAsync());
    }

    private static IHost Host(params (string Key, string Value)[] settings)
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(
            settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value)));
        builder.Services.AddMetrics().AddLogging().AddSingleton(TimeProvider.System).AddSyncStorage();
        return builder.Build();
    }
}
