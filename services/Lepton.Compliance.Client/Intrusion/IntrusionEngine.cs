using System.Globalization;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// Decides which events are an alert. Knows no network, no clock but the given one, and no more than the limits say;
/// an event costs a few look-ups. Calls from several threads are taken one after the other.
/// </summary>
internal sealed class IntrusionEngine(IntrusionRules rules, PrincipalLocks locks, TimeProvider time)
{
    /// <summary>Older events are not taken.</summary>
    public static readonly TimeSpan EventAgeMax = TimeSpan.FromHours(1);

    /// <summary>By how much another process's clock may be ahead.</summary>
    public static readonly TimeSpan EventAheadMax = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly RecentTable<string, PrincipalState> _known = new(rules.Limits.Principals);
    private readonly SegmentedTable<string, RecentTimes> _claimed = new(rules.Limits.ClaimedNames);
    private readonly SegmentedTable<AddressKey, AddressState> _addresses = new(rules.Limits.Addresses);
    private readonly RecentTable<string, TokenState> _tokens = new(rules.Limits.Tokens);
    private readonly OpenAlerts _open = new(rules.Limits.Alerts, rules.Limits.AlertsPerMinute);

    // Of the event under way; used under the gate.
    private readonly List<AlertChange> _changes = [];
    private readonly List<string> _suppressed = [];
    private int _locksRefused;

    /// <summary>How many entries each table holds.</summary>
    public IReadOnlyList<(string Table, int Count)> Sizes
    {
        get
        {
            lock (_gate)
                return
                [
                    ("principals", _known.Count), ("claimed_names", _claimed.Count), ("addresses", _addresses.Count),
                    ("tokens", _tokens.Count), ("alerts", _open.Count),
                ];
        }
    }

    /// <summary>Takes one event.</summary>
    public Observation Observe(in SecurityEvent raw)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (raw.Time < now - EventAgeMax || raw.Time > now + EventAheadMax || !Enum.IsDefined(raw.Kind))
            return new Observation(false, [], [], 0);
        SecurityEvent e = raw.Bounded();
        lock (_gate)
        {
            _changes.Clear();
            _suppressed.Clear();
            _locksRefused = 0;
            if (e.IsVerified)
                Proven(e);
            else
                Failed(e);
            return _changes.Count == 0 && _suppressed.Count == 0 && _locksRefused == 0
                ? new Observation(true, [], [], 0)
                : new Observation(true, [.. _changes], [.. _suppressed], _locksRefused);
        }
    }

    private void Failed(in SecurityEvent e)
    {
        if (AddressKey.Of(e.Address) is { } address)
            FailedFrom(address, e);
        CountRule rule = rules.PrincipalFailures;
        if (!rule.Enabled || string.IsNullOrEmpty(e.Principal))
            return;
        // A principal that exists has its own place, where names that were invented cannot push it out.
        bool known = _known.TryPeek(e.Principal, out PrincipalState? state);
        RecentTimes failures = state is not null
            ? state.Failures ??= new RecentTimes(rule.Count)
            : _claimed.See(e.Principal, () => new RecentTimes(rule.Count));
        if (failures.Add(e.Time, rule.Window))
            Find(new Finding(rule, e.Principal, true, known, rule.Count, Counted(rule, "failures"))
            {
                MayLock = state is { IsService: false },
            }, e);
    }

    private void FailedFrom(AddressKey address, in SecurityEvent e)
    {
        CountRule burst = rules.AddressFailures, spraying = rules.Spraying;
        if (!burst.Enabled && !spraying.Enabled)
            return;
        AddressState state = _addresses.See(address, () => new AddressState(burst.Count, spraying.Count));
        if (burst.Enabled && state.Failures.Add(e.Time, burst.Window))
            Find(new Finding(burst, address.ToString(), false, true, burst.Count, Counted(burst, "failures")), e);
        if (spraying.Enabled && !string.IsNullOrEmpty(e.Principal)
            && state.Principals.Add(e.Principal, e.Time, spraying.Window) >= spraying.Count)
            Find(new Finding(spraying, address.ToString(), false, true, spraying.Count,
                Counted(spraying, "principals failed")), e);
    }

    private void Proven(in SecurityEvent e)
    {
        if (string.IsNullOrEmpty(e.Principal))
            return;
        if (!_known.TryUse(e.Principal, out PrincipalState? state))
        {
            state = new PrincipalState(e.Time) { Failures = _claimed.Peek(e.Principal) };
            _claimed.Remove(e.Principal);
            _known.Put(e.Principal, state, out _);
        }
        state.IsService = e.IsService;
        if (rules.LockedPrincipal.Enabled && locks.IsLocked(e.Principal, out DateTimeOffset until))
            Find(About(rules.LockedPrincipal, e, string.Create(CultureInfo.InvariantCulture,
                $"credentials in use while locked until {until:u}")), e);
        switch (e.Kind)
        {
            case SecurityEventKind.AuthenticationSucceeded:
                // Who gets in after all had mistyped: an office behind one address is no spraying.
                if (AddressKey.Of(e.Address) is { } address)
                    _addresses.Peek(address)?.Principals.Remove(e.Principal);
                Placed(state, e);
                break;
            case SecurityEventKind.TokenSeen:
                Placed(state, e);
                Bound(e);
                break;
            case SecurityEventKind.AuthorisationDenied:
                Denied(state, e);
                break;
        }
    }

    private void Placed(PrincipalState state, in SecurityEvent e)
    {
        Place? exact = rules.Places.OfAddress(e.Address);
        if (exact is not null)
            state.PlaceExactly();
        // Where a gateway is and where an address is are not to be compared: who was placed by an address once is
        // placed by addresses only.
        Place? coarse = exact ?? (state.IsPlacedExactly ? null : rules.Places.OfRegion(e.Region));
        FirstCountryRule first = rules.FirstCountry;
        if (first.Enabled && (first.Services || !e.IsService)
            && (first.RegionFallback ? coarse : exact) is { } country
            && state.Visit(country.Country) && e.Time - state.FirstTime >= first.LearningPeriod)
            Find(About(first, e, $"first time from {country.Country}"), e);
        TravelRule travel = rules.ImpossibleTravel;
        if (travel.Enabled && (travel.Services || !e.IsService)
            && (travel.RegionFallback ? coarse : exact) is { } place)
            Travelled(state, place, e);
    }

    private void Travelled(PrincipalState state, Place place, in SecurityEvent e)
    {
        TravelRule rule = rules.ImpossibleTravel;
        Place? from = state.LastPlace;
        DateTimeOffset at = state.LastPlaceTime;
        if (from is null || e.Time >= at)
            (state.LastPlace, state.LastPlaceTime) = (place, e.Time);
        if (from is null || ReferenceEquals(from, place))
            return;
        double km = from.DistanceKm(place);
        // Events of the same second, or out of order by clocks, must not divide by nothing.
        double hours = Math.Max(1, (e.Time - at).Duration().TotalSeconds) / 3600;
        if (km >= rule.DistanceKm && km / hours > rule.SpeedKmh)
            Find(About(rule, e, string.Create(CultureInfo.InvariantCulture,
                $"{from.Country} to {place.Country}, {km:F0} km in {hours * 60:F0} min; at most {rule.SpeedKmh} km/h")),
                e);
    }

    private void Bound(in SecurityEvent e)
    {
        TokenRule rule = rules.TokenOnTwoCertificates;
        if (!rule.Enabled || string.IsNullOrEmpty(e.TokenId) || string.IsNullOrEmpty(e.Thumbprint))
            return;
        if (!_tokens.TryUse(e.TokenId, out TokenState? state) || e.Time - state.LastTime > rule.Window)
            _tokens.Put(e.TokenId, new TokenState(e.Thumbprint, AddressKey.Of(e.Address), e.Time), out _);
        else if (state.IsTwo(e.Thumbprint, AddressKey.Of(e.Address), e.Time))
            Find(About(rule, e, "one token with two certificates"), e);
    }

    private void Denied(PrincipalState state, in SecurityEvent e)
    {
        CountRule rule = rules.PrivilegeProbing;
        if (!rule.Enabled || string.IsNullOrEmpty(e.Permission))
            return;
        state.Denied ??= new RecentNames(rule.Count);
        if (state.Denied.Add(e.Permission, e.Time, rule.Window) >= rule.Count)
            Find(About(rule, e, Counted(rule, "permissions denied")) with { Count = rule.Count }, e);
    }

    private void Find(in Finding finding, in SecurityEvent e)
    {
        DateTimeOffset? until = null;
        if (finding.MayLock && finding.Rule.LockFor > TimeSpan.Zero)
        {
            LockOutcome outcome = locks.Lock(finding.Subject, finding.Rule.LockFor);
            if (outcome == LockOutcome.Full)
                _locksRefused++;
            if (outcome == LockOutcome.Made && locks.IsLocked(finding.Subject, out DateTimeOffset end))
                until = end;
        }
        if (!_open.Book(finding, e, until, out AlertChange? change))
            _suppressed.Add(finding.Rule.Name);
        else if (change is { } told)
            _changes.Add(told);
    }

    private static Finding About(Rule rule, in SecurityEvent e, string detail) =>
        new(rule, e.Principal ?? "", true, true, 1, detail) { MayLock = !e.IsService };

    private static string Counted(CountRule rule, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{rule.Count} or more {what} in {rule.Window:c}");
}
