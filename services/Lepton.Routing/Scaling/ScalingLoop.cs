using Lepton.Routing.Registry;
using Lepton.Routing.Scaling.Guard;
using Lepton.Routing.Scaling.Providers;
using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.Scaling.Sizing;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Scaling;

/// <summary>Looks at every pool once an interval, each for itself: one that hangs holds up no other.</summary>
internal sealed partial class ScalingLoop : BackgroundService
{
    private static readonly TimeSpan FailureRepeat = TimeSpan.FromMinutes(1);

    private readonly ScalingOptions _options;
    private readonly ScalingRecord _record;
    private readonly TimeProvider _time;
    private readonly ILogger<ScalingLoop> _logger;

    public ScalingLoop(
        IOptions<ScalingOptions> options, Topology topology, SignalReader signals, NodeOrders orders,
        IEnumerable<ICapacityProvider> providers, IBudgetGuard guard, ISizePrices prices, ScalingRecord record,
        TimeProvider time, ILogger<ScalingLoop> logger, ILogger<CapacityScaler> scalerLogger)
    {
        (_options, _record, _time, _logger) = (options.Value, record, time, logger);
        bool first = topology.Siblings.All(s => string.CompareOrdinal(topology.Router, s.Name) < 0);
        Scalers = !_options.Enabled ? [] :
        [
            .. _options.Pools.Select(pool => new CapacityScaler(_options, pool,
                pool.Tier == "core" ? Tier.Core : Tier.Edge, first, signals, orders,
                pool.Provider == "none" ? null : providers.Last(p => p.Name == pool.Provider), guard, prices, record,
                time, scalerLogger)),
        ];
    }

    /// <summary>One a pool; none while scaling is off.</summary>
    public IReadOnlyList<CapacityScaler> Scalers { get; }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Scalers.Select(s => FollowAsync(s, stoppingToken)));

    private async Task FollowAsync(CapacityScaler scaler, CancellationToken stopping)
    {
        using PeriodicTimer timer = new(_options.Interval, _time);
        long saidAt = long.MinValue;
        while (await timer.WaitForNextTickAsync(stopping))
            try
            {
                await scaler.StepAsync(stopping);
            }
            catch (CapacityException e)
            {
                if (saidAt != long.MinValue && _time.GetElapsedTime(saidAt) < FailureRepeat)
                    continue;
                saidAt = _time.GetTimestamp();
                _record.Failed(scaler.Tier, e.Message);
                LogFailed(scaler.Tier, e.Message);
            }
    }

    [LoggerMessage(LogLevel.Error, "Pool {Tier} could not be scaled: {Why}")]
    private partial void LogFailed(Tier tier, string why);
}
