using Lepton.Routing.Balancing;

namespace Lepton.Routing.Health;

/// <summary>Counts and logs what changes about places' health.</summary>
internal sealed partial class HealthReporter
{
    private readonly RoutingMetrics _metrics;
    private readonly ILogger<HealthReporter> _logger;

    public HealthReporter(HealthMonitor monitor, RoutingMetrics metrics, ILogger<HealthReporter> logger)
    {
        (_metrics, _logger) = (metrics, logger);
        monitor.Changed += Report;
    }

    /// <summary>As metrics and people are told.</summary>
    public static string Name(CircuitState state) => state switch
    {
        CircuitState.Open => "open",
        CircuitState.HalfOpen => "half_open",
        CircuitState.Trial => "trial",
        _ => "closed",
    };

    private void Report(PlaceHealth place, Lane? lane, HealthChange change)
    {
        switch (change)
        {
            case HealthChange.Ejected when place.Ejection is { } ejection:
                _metrics.Ejections.Add(1, new KeyValuePair<string, object?>("lepton.place", place.Name),
                    new KeyValuePair<string, object?>("lepton.cause", ejection.Cause.ToString()));
                LogEjected(place.Name, ejection.For.TotalSeconds, ejection.Why);
                break;
            case HealthChange.Returned:
                LogReturned(place.Name);
                break;
            default:
                _metrics.CircuitChanges.Add(1, new KeyValuePair<string, object?>("lepton.place", place.Name),
                    new KeyValuePair<string, object?>("lepton.circuit.state", Name(lane?.CircuitState ?? default)));
                if (change == HealthChange.CircuitOpened)
                    LogOpened(lane?.Model ?? "", place.Name, lane?.Circuit?.Left.TotalSeconds ?? 0,
                        lane?.Circuit?.Why ?? "");
                else if (change == HealthChange.CircuitClosed)
                    LogClosed(lane?.Model ?? "", place.Name);
                break;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Place} is ejected for {Seconds} s: {Why}")]
    private partial void LogEjected(string place, double seconds, string why);

    [LoggerMessage(LogLevel.Information, "{Place} is back from its ejection")]
    private partial void LogReturned(string place);

    [LoggerMessage(LogLevel.Warning, "The circuit of {Model} at {Place} is open for {Seconds} s: {Why}")]
    private partial void LogOpened(string model, string place, double seconds, string why);

    [LoggerMessage(LogLevel.Information, "The circuit of {Model} at {Place} is closed again")]
    private partial void LogClosed(string model, string place);
}
