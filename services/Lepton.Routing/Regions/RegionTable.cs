using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.V1;
using Lepton.Routing.Registry;
using Microsoft.Extensions.Options;
using PlaceHealth = Lepton.Routing.Health.PlaceHealth;

namespace Lepton.Routing.Regions;

/// <summary>The last summary of every router of every other region and the round trip to it.</summary>
internal sealed class RegionTable(
    Topology topology, IOptions<RoutingOptions> options, TimeProvider time, HealthMonitor health)
{
    // After a pause of ours a router that was live stays so for this long without a new summary.
    private static readonly TimeSpan PauseGrace = TimeSpan.FromSeconds(5);

    private readonly Entry[] _entries =
        [.. topology.RemoteRouters.Select(r => new Entry(r, new PlaceHealth(r.Name, health)))];
    private readonly Lock _lock = new();
    private long _sweptAt = time.GetTimestamp();

    /// <summary>Raised, outside the lock, when a way came, went, or has other models.</summary>
    public event Action? Changed;

    /// <summary>Takes the summary that a router of that region sent.</summary>
    /// <returns>False when the topology has no such router.</returns>
    public bool Take(string region, RegionSummary summary)
    {
        bool changed;
        lock (_lock)
        {
            if (Find(region, summary.Router) is not { } entry)
                return false;
            changed = entry.Summary is null || entry.WasStale || entry.Summary.Draining != summary.Draining
                || entry.Summary.Models.Count != summary.Models.Count;
            entry.Take(summary, time.GetUtcNow(), time.GetTimestamp(), model => OwnOutstanding(region, model));
        }
        if (changed)
            Changed?.Invoke();
        return true;
    }

    public void Measured(RouterSite router, TimeSpan roundTrip) => Measured(router.Region, router.Name, roundTrip);

    public void Measured(string region, string router, TimeSpan roundTrip)
    {
        lock (_lock)
            if (Find(region, router) is { } entry)
                entry.RoundTripSeconds = RoundTrip.Smooth(entry.RoundTripSeconds, roundTrip.TotalSeconds);
    }

    /// <summary>Whether our stream to that router stands: without it this way is tried last.</summary>
    public void Connected(RouterSite router, bool connected)
    {
        lock (_lock)
            if (Find(router.Region, router.Name) is { } entry)
                entry.Connected = connected;
        Changed?.Invoke();
    }

    /// <summary>That router has taken our word that we leave.</summary>
    public void Told(RouterSite router)
    {
        lock (_lock)
            if (Find(router.Region, router.Name) is { } entry)
                entry.Told = true;
    }

    /// <summary>Every router that we have a stream to knows that we leave; the others see the stream's end.</summary>
    public bool AllTold()
    {
        lock (_lock)
            return _entries.All(e => e.Told || !e.Connected);
    }

    /// <summary>Looks for summaries that grew too old; a timer calls it.</summary>
    public void Sweep()
    {
        bool changed = false;
        lock (_lock)
        {
            double kept = health.PenaltyKept(time.GetElapsedTime(_sweptAt));
            bool paused = health.Pauses.EndedAt > _sweptAt;
            _sweptAt = time.GetTimestamp();
            foreach (Entry entry in _entries)
            {
                if (paused && !entry.WasStale)
                    entry.GiveUntil(_sweptAt + ToTicks(PauseGrace - options.Value.SummaryAgeMax));
                entry.Sweep(kept);
                bool stale = entry.Summary is null || time.GetElapsedTime(entry.SeenAt) > options.Value.SummaryAgeMax;
                changed |= stale != entry.WasStale;
                entry.WasStale = stale;
            }
        }
        if (changed)
            Changed?.Invoke();
    }

    /// <summary>Every way, by region and router.</summary>
    public IReadOnlyList<RegionView> Regions()
    {
        lock (_lock)
            return [.. _entries
                .Select(e => e.ToView(IsLive(e), ShareOf(e)))
                .OrderBy(r => r.Name, StringComparer.Ordinal).ThenBy(r => r.Site.Name, StringComparer.Ordinal)];
    }

    // A router that says no name is of a version that knew one router a region.
    private Entry? Find(string region, string router) => Array.Find(
        _entries, e => e.Site.Region == region && (router.Length == 0 || e.Site.Name == router));

    // As the last sweep found it: between a pause of ours and the sweep after it, every summary looks old.
    private static bool IsLive(Entry entry) => entry is { Summary: not null, WasStale: false };

    private long ToTicks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private double ShareOf(Entry entry)
    {
        int ways = _entries.Count(e => e.Site.Region == entry.Site.Region && IsLive(e)
            && e.Connected == entry.Connected && e.Summary?.Draining != true);
        return 1.0 / Math.Max(1, ways);
    }

    private int OwnOutstanding(string region, (string, string) model)
    {
        int outstanding = 0;
        foreach (Entry entry in _entries)
            if (entry.Site.Region == region)
                outstanding += entry.OutstandingOf(model);
        return outstanding;
    }

    private sealed class Entry(RouterSite site, PlaceHealth health)
    {
        private readonly Dictionary<(string, string), Lane> _lanes = [];
        private IReadOnlyList<RegionModel> _models = [];
        private DateTimeOffset _receivedTime;

        public RouterSite Site => site;

        public RegionSummary? Summary { get; private set; }

        public long SeenAt { get; private set; }

        public bool WasStale { get; set; } = true;

        public bool Connected { get; set; }

        public bool Told { get; set; }

        public double RoundTripSeconds { get; set; }

        public int OutstandingOf((string, string) model) =>
            _lanes.TryGetValue(model, out Lane? lane) ? lane.Outstanding : 0;

        public void Take(
            RegionSummary summary, DateTimeOffset now, long stamp, Func<(string, string), int> ownOutstanding)
        {
            (Summary, _receivedTime, SeenAt, WasStale) = (summary, now, stamp, false);
            _models = [.. summary.Models.Select(m => Serve(m, ownOutstanding((m.Name, m.Version))))];
            HashSet<(string, string)> named = [.. summary.Models.Select(m => (m.Name, m.Version))];
            foreach ((string, string) key in _lanes.Keys.Where(k => !named.Contains(k)).ToArray())
                _lanes.Remove(key);
        }

        public RegionView ToView(bool live, double share) =>
            new(site, Summary, _receivedTime, RoundTripSeconds, live, Connected, share, _models)
            {
                Health = health.ToState(),
            };

        public void GiveUntil(long seenAt) => SeenAt = Math.Max(SeenAt, seenAt);

        public void Sweep(double kept)
        {
            health.Sweep();
            foreach (Lane lane in _lanes.Values)
                lane.Sweep(kept);
        }

        private RegionModel Serve(ModelSummary model, int ownOutstanding)
        {
            if (!_lanes.TryGetValue((model.Name, model.Version), out Lane? lane))
                _lanes.Add((model.Name, model.Version), lane = health.NewLane(model.Name));
            // Of the region's load, what we sent ourselves, by whichever way, is counted live in the lanes.
            long reported = (long)model.InFlight + model.Queued;
            int foreign = (int)Math.Clamp(reported - ownOutstanding, 0, 1 << 20);
            return new RegionModel(model, foreign, lane);
        }
    }
}
