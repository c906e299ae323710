using System.Collections.Immutable;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>An alert as it was when last told.</summary>
internal sealed record Alert
{
    /// <summary>Events kept with an alert: the first and the latest ones told.</summary>
    public const int EventsMax = 8;

    /// <summary>Counts alerts from 1, in the order in which they were raised.</summary>
    public required ulong Number { get; init; }

    public required string Rule { get; init; }

    public required AlertSeverity Severity { get; init; }

    /// <summary>A principal or an address.</summary>
    public required string Subject { get; init; }

    /// <summary>The principal; empty where it is about an address.</summary>
    public required string Principal { get; init; }

    /// <summary>The principal's tenant; empty where it is about an address.</summary>
    public required string Tenant { get; init; }

    /// <summary>Where the last event was.</summary>
    public required string Region { get; init; }

    public required DateTimeOffset FirstTime { get; init; }

    public required DateTimeOffset LastTime { get; init; }

    public required long Count { get; init; }

    public required string Detail { get; init; }

    public DateTimeOffset? LockedUntil { get; init; }

    public required ImmutableArray<SecurityEvent> Events { get; init; }
}

/// <summary>An alert to tell: a new one, or one that has grown.</summary>
/// <param name="Alert">As it is now.</param>
/// <param name="Opened">It is new.</param>
/// <param name="Locked">The principal was locked by this very event.</param>
internal readonly record struct AlertChange(Alert Alert, bool Opened, bool Locked);

/// <summary>What came of an event.</summary>
/// <param name="Taken">False: its time is not one to take.</param>
/// <param name="Changes">Alerts to tell; mostly none.</param>
/// <param name="Suppressed">Rules that found something and have raised too many alerts in this minute.</param>
/// <param name="LocksRefused">Locks that were to be set and found no room.</param>
internal readonly record struct Observation(
    bool Taken, IReadOnlyList<AlertChange> Changes, IReadOnlyList<string> Suppressed, int LocksRefused);
