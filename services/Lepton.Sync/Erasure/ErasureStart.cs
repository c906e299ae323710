using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Erasure;

/// <summary>Makes the tables before the first request, and waits for a database that starts beside it.</summary>
internal sealed partial class ErasureStart(
    ErasureDatabase databases, IOptions<ErasureOptions> options, TimeProvider time, ILogger<ErasureStart> logger)
    : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            try
            {
                await using var database = databases.Open();
                await ErasureSchema.EnsureAsync(database, cancellationToken);
                return;
            }
            catch (Exception e) when (IsNotUpYet(e) && waited < options.Value.StartTimeMax)
            {
                LogWaiting(e.Message);
                databases.Forget();
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // EF Core wraps it.
    private static bool IsNotUpYet(Exception e) => e is InvalidOperationException { InnerException: { } inner }
        ? IsNotUpYet(inner)
        : StorageStart.IsNotUpYet(e);

    [LoggerMessage(LogLevel.Information, "Waiting for the database: {Why}")]
    private partial void LogWaiting(string why);
}
