namespace Lepton.Routing.Health;

/// <summary>Why a place was ejected.</summary>
internal enum EjectionCause
{
    None,
    ConsecutiveFailures,
    SuccessRate,
    FailurePercent,
    Latency,
}

/// <summary>An ejection under way.</summary>
/// <param name="Cause">What kind of evidence.</param>
/// <param name="Why">The evidence, for people.</param>
/// <param name="At">Monotonic time of its start.</param>
/// <param name="For">Its length.</param>
internal sealed record Ejection(EjectionCause Cause, string Why, long At, TimeSpan For);

/// <summary>A place's health at the time of a snapshot.</summary>
/// <param name="Ejection">Null: none.</param>
/// <param name="Left">Of the ejection.</param>
/// <param name="Ejections">How often it was ejected, less what is forgiven.</param>
/// <param name="StartShare">0 to 1: the share of weight and slots that its slow start allows.</param>
internal sealed record PlaceState(Ejection? Ejection, TimeSpan Left, int Ejections, double StartShare)
{
    public static PlaceState Well { get; } = new(null, TimeSpan.Zero, 0, 1);
}

/// <summary>What changed about a place's health, for metrics and logs.</summary>
internal enum HealthChange
{
    Ejected,
    Returned,
    CircuitOpened,
    CircuitHalfOpen,
    CircuitClosed,
}
