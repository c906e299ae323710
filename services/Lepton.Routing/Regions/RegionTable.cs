using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.V1;
using Lepton.Routing.Registry;
using Microsoft.Extensions.Options;
using PlaceHealth = Lepton.Routing.Health.PlaceHealth;

namespace Lepton.Routing.Regions;

/// <summary>The last summary of every other region and the round trip to it.</summary>
internal sealed class RegionTable(
    Topology topology, IOptions<RoutingOptions> options, TimeProvider time, HealthMonitor health)
{
    // After a pause of ours a region that was live stays so for this long without a new summary.
    private static readonly TimeSpan PauseGrace = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Entry> _regions = topology.Regions
        .Where(r => r.Name != topology.Own)
        .ToDictionary(r => r.Name, r => new Entry(r.Name, r.Url, new PlaceHealth(r.Name, health)));
    private readonly Lock _lock = new();
    private long _sweptAt = time.GetTimestamp();

    /// <summary>Raised, outside the lock, when a region came, went, or has other models.</summary>
    public event Action? Changed;

    public bool Take(string region, RegionSummary summary)
    {
        bool changed;
        lock (_lock)
        {
            if (!_regions.TryGetValue(region, out Entry? entry))
                return false;
            changed = entry.Summary is null || entry.WasStale || entry.Summary.Draining != summary.Draining
                || entry.Summary.Models.Count != summary.Models.Count;
            entry.Take(summary, time.GetUtcNow(), time.GetTimestamp());
        }
        if (changed)
            Changed?.Invoke();
        return true;
    }

    public void Measured(string region, TimeSpan roundTrip)
    {
        lock (_lock)
            if (_regions.TryGetValue(region, out Entry? entry))
                entry.RoundTripSeconds = RoundTrip.Smooth(entry.RoundTripSeconds, roundTrip.TotalSeconds);
    }

    /// <summary>Whether our stream to that region stands: without it the region is tried last.</summary>
    public void Connected(string region, bool connected)
    {
        lock (_lock)
            if (_regions.TryGetValue(region, out Entry? entry))
                entry.Connected = connected;
        Changed?.Invoke();
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
            foreach (Entry entry in _regions.Values)
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

    public IReadOnlyList<RegionView> Regions()
    {
        lock (_lock)
            return [.. _regions.Values.Select(e => e.ToView(IsLive(e))).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    // As the last sweep found it: between a pause of ours and the sweep after it, every summary looks old.
    private static bool IsLive(Entry entry) => entry is { Summary: not null, WasStale: false };

    private long ToTicks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private sealed class Entry(string name, Uri url, PlaceHealth health)
    {
        private readonly Dictionary<(string, string), Lane> _lanes = [];
        private IReadOnlyList<RegionModel> _models = [];
        private DateTimeOffset _receivedTime;

        public RegionSummary? Summary { get; private set; }

        public long SeenAt { get; private set; }

        public bool WasStale { get; set; } = true;

        public bool Connected { get; set; }

        public double RoundTripSeconds { get; set; }

        public void Take(RegionSummary summary, DateTimeOffset now, long stamp)
        {
            (Summary, _receivedTime, SeenAt, WasStale) = (summary, now, stamp, false);
            _models = [.. summary.Models.Select(Serve)];
            HashSet<(string, string)> named = [.. summary.Models.Select(m => (m.Name, m.Version))];
            foreach ((string, string) key in _lanes.Keys.Where(k => !named.Contains(k)).ToArray())
                _lanes.Remove(key);
        }

        public RegionView ToView(bool live) =>
            new(name, url, Summary, _receivedTime, RoundTripSeconds, live, Connected, _models)
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

        private RegionModel Serve(ModelSummary model)
        {
            if (!_lanes.TryGetValue((model.Name, model.Version), out Lane? lane))
                _lanes.Add((model.Name, model.Version), lane = health.NewLane(model.Name));
            // Of the region's load, what we sent ourselves is counted live in the lane.
            long reported = (long)model.InFlight + model.Queued;
            int foreign = (int)Math.Clamp(reported - lane.Outstanding, 0, 1 << 20);
            return new RegionModel(model, foreign, lane);
        }
    }
}
