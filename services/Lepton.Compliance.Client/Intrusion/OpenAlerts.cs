using System.Collections.Immutable;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>What a rule has found.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Subject">A principal or an address.</param>
/// <param name="AboutPrincipal">The subject is a principal.</param>
/// <param name="Verified">A principal that once proved who it is, or an address.</param>
/// <param name="Count">Events that led to it, when it is a new alert.</param>
/// <param name="Detail">For people.</param>
internal readonly record struct Finding(
    Rule Rule, string Subject, bool AboutPrincipal, bool Verified, int Count, string Detail)
{
    /// <summary>
    /// A person who once proved who they are. A program is never locked, and locks for invented names would take the
    /// room of real ones.
    /// </summary>
    public bool MayLock { get; init; }
}

/// <summary>
/// Alerts under way: what is found again before a pause of the rule's cool-down belongs to the same alert. Told are
/// the first event, each doubling of the count, a new lock, and whatever comes a minute after it was last told.
/// </summary>
internal sealed class OpenAlerts(int max, int perMinute)
{
    private static readonly TimeSpan ToldAgainAfter = TimeSpan.FromMinutes(1);

    private readonly RecentTable<(string Rule, string Subject), Open> _open = new(max);
    private readonly Dictionary<(string Rule, bool Verified), (long Minute, int Alerts)> _raised = [];
    private ulong _number;

    public int Count => _open.Count;

    /// <summary>Books a finding.</summary>
    /// <param name="finding">What was found.</param>
    /// <param name="e">The event that showed it.</param>
    /// <param name="lockedUntil">The end of the principal's lock, when this event made one.</param>
    /// <param name="change">What to tell; null: nothing yet.</param>
    /// <returns>False: it would be one new alert too many in this minute.</returns>
    public bool Book(in Finding finding, in SecurityEvent e, DateTimeOffset? lockedUntil, out AlertChange? change)
    {
        change = null;
        if (_open.TryUse((finding.Rule.Name, finding.Subject), out Open? open)
            && e.Time - open.LastTime < finding.Rule.CoolDown)
        {
            if (open.Grow(e, lockedUntil))
                change = new AlertChange(open.Told, false, lockedUntil is not null);
            return true;
        }
        if (!MayRaise(finding, e.Time))
            return false;
        open = new Open(finding, e, lockedUntil, ++_number);
        _open.Put((finding.Rule.Name, finding.Subject), open, out _);
        change = new AlertChange(open.Told, true, lockedUntil is not null);
        return true;
    }

    // Names that were invented must not use up what real principals' alerts need.
    private bool MayRaise(in Finding finding, DateTimeOffset time)
    {
        (string, bool) key = (finding.Rule.Name, finding.Verified);
        long minute = time.UtcTicks / TimeSpan.TicksPerMinute;
        (long Minute, int Alerts) raised = _raised.GetValueOrDefault(key);
        if (minute > raised.Minute)
            raised = (minute, 0);
        if (raised.Alerts >= perMinute)
            return false;
        _raised[key] = (raised.Minute, raised.Alerts + 1);
        return true;
    }

    private sealed class Open
    {
        private long _count;

        public Open(in Finding finding, in SecurityEvent e, DateTimeOffset? lockedUntil, ulong number)
        {
            (_count, LastTime) = (finding.Count, e.Time);
            Told = new Alert
            {
                Number = number,
                Rule = finding.Rule.Name,
                Severity = finding.Rule.Severity,
                Subject = finding.Subject,
                Principal = finding.AboutPrincipal ? finding.Subject : "",
                Tenant = finding.AboutPrincipal ? e.Tenant ?? "" : "",
                Region = e.Region ?? "",
                FirstTime = e.Time,
                LastTime = e.Time,
                Count = finding.Count,
                Detail = finding.Detail,
                LockedUntil = lockedUntil,
                Events = [e],
            };
        }

        public DateTimeOffset LastTime { get; private set; }

        public Alert Told { get; private set; }

        /// <summary>Counts an event; true when the alert is to be told again.</summary>
        public bool Grow(in SecurityEvent e, DateTimeOffset? lockedUntil)
        {
            _count++;
            if (e.Time > LastTime)
                LastTime = e.Time;
            if (_count < Told.Count * 2 && LastTime - Told.LastTime < ToldAgainAfter && lockedUntil is null)
                return false;
            ImmutableArray<SecurityEvent> events = Told.Events.Length < Alert.EventsMax
                ? Told.Events
                : Told.Events.RemoveAt(1);
            Told = Told with
            {
                Count = _count,
                LastTime = LastTime,
                Region = e.Region ?? "",
                LockedUntil = lockedUntil ?? Told.LockedUntil,
                Events = events.Add(e),
            };
            return true;
        }
    }
}
