using Lepton.ServiceDefaults;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>
/// Before the first request: the tables, and a clock that goes on where the node's versions ended. A database that is
/// not up yet is waited for.
/// </summary>
internal sealed partial class StorageStart(
    RecordDatabase database, IRecordStore store, HybridClock clock, IOptions<StorageOptions> options, TimeProvider time,
    ILogger<StorageStart> logger) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var start = time.GetTimestamp(); ;)
        {
            try
            {
                await database.EnsureSchemaAsync(cancellationToken);
                clock.Observe(await store.ReadGreatestClockAsync(cancellationToken));
                return;
            }
            catch (Exception e) when (IsNotUpYet(e) && time.GetElapsedTime(start) < options.Value.StartTimeMax)
            {
                LogWaiting(e.Message);
                await database.ForgetAsync();
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// No connection, a server that starts or stops, or one whose supervisor has not made our role, its password and
    /// our database yet; not an error of ours.
    /// </summary>
    public static bool IsNotUpYet(Exception e) => e switch
    {
        PostgresException p => p.IsTransient || p.SqlState is PostgresErrorCodes.InvalidPassword
            or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName,
        DatabaseUnavailableException or NpgsqlException or IOException or TimeoutException => true,
        _ => false,
    };

    [LoggerMessage(LogLevel.Information, "Waiting for the database: {Why}")]
    private partial void LogWaiting(string why);
}

/// <summary>Ready: the database answers.</summary>
internal sealed class StorageReady(IRecordStore store) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await store.ReadGreatestClockAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (DatabaseUnavailableException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}

/// <summary>The storage's parts and how they are put together.</summary>
internal static class StorageParts
{
    public static IServiceCollection AddSyncStorage(this IServiceCollection services)
    {
        services.AddChecked<StorageOptions>(StorageOptions.Section, StorageOptions.Faults);
        services.AddHealthChecks().AddCheck<StorageReady>("storage");
        return services
            .AddSingleton<StorageMetrics>()
            .AddSingleton<RecordDatabase>()
            .AddSingleton<PostgresRecordStore>()
            .AddSingleton<IRecordStore>(provider => provider.GetRequiredService<PostgresRecordStore>())
            .AddSingleton<HybridClock>()
            .AddSingleton<HomeWriter>()
            .AddHostedService<StorageStart>()
            .AddSingleton<RequestSweeper>()
            .AddHostedService(provider => provider.GetRequiredService<RequestSweeper>());
    }
}
