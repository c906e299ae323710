using Lepton.Routing.Balancing;
using Lepton.Routing.V1;
using Lepton.Routing.Registry;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Regions;

/// <summary>The last summary of every other region and the round trip to it.</summary>
internal sealed class RegionTable(Topology topology, IOptions<RoutingOptions> options, TimeProvider time)
{
    private readonly Dictionary<string, Entry> _regions = topology.Regions
        .Where(r => r.Name != topology.Own)
        .ToDictionary(r => r.Name, r => new Entry(r.Name, r.Url));
    private readonly Lock _lock = new();

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
            foreach (Entry entry in _regions.Values)
            {
                bool stale = entry.Summary is null || time.GetElapsedTime(entry.SeenAt) > options.Value.SummaryAgeMax;
                changed |= stale != entry.WasStale;
                entry.WasStale = stale;
            }
        if (changed)
            Changed?.Invoke();
    }

    public IReadOnlyList<RegionView> Regions()
    {
        lock (_lock)
            return [.. _regions.Values.Select(e => e.ToView(IsLive(e))).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    private bool IsLive(Entry entry) =>
        entry.Summary is not null && time.GetElapsedTime(entry.SeenAt) <= options.Value.SummaryAgeMax;

    private sealed class Entry(string name, Uri url)
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
            new(name, url, Summary, _receivedTime, RoundTripSeconds, live, Connected, _models);

        private RegionModel Serve(ModelSummary model)
        {
            if (!_lanes.TryGetValue((model.Name, model.Version), out Lane? lane))
                _lanes.Add((model.Name, model.Version), lane = new Lane());
            // Of the region's load, what we sent ourselves is counted live in the lane.
            long reported = (long)model.InFlight + model.Queued;
            int foreign = (int)Math.Clamp(reported - lane.Outstanding, 0, 1 << 20);
            return new RegionModel(model, foreign, lane);
        }
    }
}
