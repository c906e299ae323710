using Lepton.Routing.Balancing;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Health;

/// <summary>What all places' health has in common: rules, clock, chance, and who hears of changes.</summary>
internal sealed class HealthMonitor(
    IOptions<RoutingOptions> options, TimeProvider time, ChanceSource chance, PauseWatch pauses)
{
    /// <summary>Raised, outside of locks, on whatever thread: a place left the candidates or may come back.</summary>
    public event Action<PlaceHealth, Lane?, HealthChange>? Changed;

    public RoutingOptions Options => options.Value;

    public TimeProvider Time => time;

    public PauseWatch Pauses => pauses;

    public Backoff NewEjectionBackoff() => new(Options.Ejection.TimeMin, Options.Ejection.TimeMax, chance);

    public Backoff NewCircuitBackoff() => new(Options.Circuit.OpenMin, Options.Circuit.OpenMax, chance);

    /// <summary>What is left of a penalty after this time. A pause of ours forgives nobody.</summary>
    public double PenaltyKept(TimeSpan since)
    {
        double seconds = Math.Min(since.TotalSeconds, 1);
        return Math.Pow(0.5, seconds / Options.Penalty.HalfLife.TotalSeconds);
    }

    public void Tell(PlaceHealth place, Lane? lane, HealthChange change) => Changed?.Invoke(place, lane, change);
}
