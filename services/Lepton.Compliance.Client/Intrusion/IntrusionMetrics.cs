using System.Collections.Frozen;
using System.Diagnostics.Metrics;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>What the detector sees and does. Listed in README.md.</summary>
internal sealed class IntrusionMetrics
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Lepton.Security";

    // Boxed and named once: events are counted on a request's way.
    private static readonly FrozenDictionary<SecurityEventKind, KeyValuePair<string, object?>> Kinds =
        Enum.GetValues<SecurityEventKind>().ToFrozenDictionary(k => k,
            k => new KeyValuePair<string, object?>("lepton.kind", k switch
            {
                SecurityEventKind.AuthenticationSucceeded => "authentication_succeeded",
                SecurityEventKind.AuthenticationFailed => "authentication_failed",
                SecurityEventKind.AuthorisationAllowed => "authorisation_allowed",
                SecurityEventKind.AuthorisationDenied => "authorisation_denied",
                SecurityEventKind.TokenSeen => "token_seen",
                _ => throw new InvalidOperationException($"{k} has no name."),
            }));

    private readonly Counter<long> _events, _dropped, _alerts, _suppressed, _locks, _locksRefused;
    private int _watchers;

    public IntrusionMetrics(IMeterFactory meters, IntrusionEngine engine, PrincipalLocks locks)
    {
        Meter meter = meters.Create(Name);
        _events = meter.CreateCounter<long>("lepton.security.events", "{event}", "Events looked at, by kind.");
        _dropped = meter.CreateCounter<long>("lepton.security.events.dropped", "{event}",
            "Events not looked at: the queue was full, the time is not one to take, or the detector failed.");
        _alerts = meter.CreateCounter<long>("lepton.security.alerts", "{alert}", "Alerts raised, by rule.");
        _suppressed = meter.CreateCounter<long>("lepton.security.alerts.suppressed", "{finding}",
            "Findings that would have been one new alert of a rule too many in a minute.");
        _locks = meter.CreateCounter<long>("lepton.security.locks", "{lock}", "Principals locked, by rule.");
        _locksRefused = meter.CreateCounter<long>("lepton.security.locks.refused", "{lock}",
            "Principals not locked because limits.locks are.");
        meter.CreateObservableGauge("lepton.security.locks.active", () => locks.Count, "{lock}",
            "Principals locked now.");
        meter.CreateObservableGauge("lepton.security.entries", () => engine.Sizes.Select(s =>
            new Measurement<int>(s.Count, new KeyValuePair<string, object?>("lepton.table", s.Table))),
            "{entry}", "What is remembered, by table.");
        meter.CreateObservableGauge("lepton.security.watchers", () => Volatile.Read(ref _watchers), "{stream}",
            "Streams of alerts that are open.");
    }

    public void Seen(SecurityEventKind kind) => _events.Add(1, Kinds[kind]);

    public void Dropped(string why) => _dropped.Add(1, new KeyValuePair<string, object?>("error.type", why));

    public void Raised(Alert alert) => _alerts.Add(1, RuleTag(alert.Rule),
        new KeyValuePair<string, object?>("lepton.severity", alert.Severity.ToString().ToLowerInvariant()));

    public void Suppressed(string rule) => _suppressed.Add(1, RuleTag(rule));

    public void Locked(string rule) => _locks.Add(1, RuleTag(rule));

    public void LocksRefused(int count) => _locksRefused.Add(count);

    /// <summary>Takes a place for a stream; false when <paramref name="max"/> are taken.</summary>
    public bool TryWatch(int max)
    {
        if (Interlocked.Increment(ref _watchers) <= max)
            return true;
        Interlocked.Decrement(ref _watchers);
        return false;
    }

    public void WatchEnded() => Interlocked.Decrement(ref _watchers);

    private static KeyValuePair<string, object?> RuleTag(string rule) => new("lepton.rule", rule);
}
