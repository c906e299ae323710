using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Client;

/// <summary>Keeps the control data in use current with Sync; says how old it is.</summary>
internal sealed partial class ControlFollower(
    ControlState state, Func<string, RecordFeed> feeds, IOptions<SyncClientOptions> options, TimeProvider time,
    ILogger<ControlFollower> logger) : BackgroundService, IHealthCheck
{
    /// <summary>After a refusal that no repetition mends by itself.</summary>
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(30);

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (state.Age is not { } age)
            return Task.FromResult(HealthCheckResult.Healthy("By its files: there are no records here."));
        List<string> faults = [.. state.Refused.Select(r => $"{r.Key} in Sync is not taken: {r.Value}")];
        if (age > options.Value.AgeWarning)
            faults.Add($"Not confirmed by Sync for {Math.Floor(age.TotalSeconds)} s; the last known goes on.");
        return Task.FromResult(faults.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Join(' ', faults)));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!state.IsOn)
            return;
        try
        {
            while (true)
                await FollowAsync(stoppingToken);
        }
        finally
        {
            state.SaveLast();
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        try
        {
            await feeds(ControlState.Prefix).RunAsync(Take, cancellationToken);
        }
        catch (RecordsRefusedException e)
        {
            LogRefused(e.Message);
            await Task.Delay(RefusedPause, time, cancellationToken);
        }
    }

    private ValueTask Take(FeedEvent what, CancellationToken cancellationToken)
    {
        switch (what)
        {
            case FeedEvent.Changed { IsDeleted: true } gone:
                state.OfferDeleted(gone.Key);
                break;
            case FeedEvent.Changed change:
                state.Offer(change.Key, change.Value);
                break;
            case FeedEvent.Confirmed confirmed:
                state.Confirm(confirmed.AsOf);
                break;
            default:
                throw new InvalidOperationException($"{what} is no event of a feed.");
        }
        return default;
    }

    [LoggerMessage(LogLevel.Error, "Control data cannot be followed: {Why}")]
    private partial void LogRefused(string why);
}
