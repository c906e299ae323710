using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Draining;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;

namespace Lepton.Routing.Listing;

/// <summary>Regions and models as this router knows them.</summary>
internal sealed class RegionListing(
    Topology topology, SnapshotPublisher snapshots, RouterDrain drain, TimeProvider time)
{
    /// <summary>Every region of the topology, by name.</summary>
    public IReadOnlyList<Region> Regions()
    {
        RegistrySnapshot snapshot = snapshots.Current;
        return [.. topology.Regions.Select(r => r.Name == topology.Own
            ? Own(r, snapshot)
            : Other(r, [.. snapshot.Regions.Where(v => v.Name == r.Name)]))];
    }

    /// <summary>Every model version anywhere, by name and version.</summary>
    public IReadOnlyList<Model> Models()
    {
        SortedDictionary<(string, string), Model> models = new(Comparer<(string, string)>.Create((a, b) =>
            string.CompareOrdinal($"{a.Item1}\n{a.Item2}", $"{b.Item1}\n{b.Item2}"))); // the order of page tokens
        foreach (Region region in Regions().Where(r => r.Live))
            foreach (ModelSummary summary in region.Summary.Models)
            {
                if (!models.TryGetValue((summary.Name, summary.Version), out Model? model))
                    models.Add((summary.Name, summary.Version), model = new Model
                    {
                        Name = summary.Name,
                        Version = summary.Version,
                        DataClassFloor = topology.Policy.ModelFloor(summary.Name)?.Name ?? "",
                    });
                model.Places.Add(new ModelPlace { Region = region.Name, Summary = summary });
            }
        return [.. models.Values];
    }

    /// <summary>A region by the names and addresses of its gateways, without what is known of its state.</summary>
    public static Region Gateways(RegionSite site) => new()
    {
        Name = site.Name,
        GatewayUrl = site.Routers[0].Gateway,
        Routers = { site.Routers.Select(r => new Router { Name = r.Name, GatewayUrl = r.Gateway }) },
    };

    private Region Own(RegionSite site, RegistrySnapshot snapshot)
    {
        Region wire = Gateways(site);
        (wire.Own, wire.Live) = (true, true);
        wire.Summary = SummaryBuilder.Build(topology, snapshot, time.GetUtcNow(), drain.IsOn);
        wire.ReceiveTime = time.GetUtcNow().ToTimestamp();
        if (wire.Routers.FirstOrDefault(r => r.Name == topology.Router) is { } self)
            (self.Own, self.Live, self.Connected, self.Draining) = (true, true, true, wire.Summary.Draining);
        return wire;
    }

    private Region Other(RegionSite site, IReadOnlyList<RegionView> ways)
    {
        Region wire = Gateways(site);
        foreach (Router router in wire.Routers)
            if (ways.FirstOrDefault(w => w.Site.Name == router.Name) is { } way)
            {
                (router.Live, router.Connected, router.Draining) = (way.Live, way.Connected, way.Draining);
                (router.RoundTripTime, router.Health) = (RoundTripOf(way), HealthOf(way));
            }
        // Each of a region's routers sums up the same nodes: the best way's word is the region's.
        if (ways.Where(w => w.Summary is not null).OrderByDescending(w => (w.Live, w.Connected, !w.Draining))
            .ThenByDescending(w => w.ReceiveTime).FirstOrDefault() is not { } best)
            return wire;
        (wire.Summary, wire.ReceiveTime, wire.Live) = (best.Summary, best.ReceiveTime.ToTimestamp(), best.Live);
        (wire.RoundTripTime, wire.Health) = (RoundTripOf(best), HealthOf(best));
        return wire;
    }

    private PlaceHealth HealthOf(RegionView way) => WireHealth.Of(
        way.Health, way.Models.Select(m => (m.Summary.Name, m.Summary.Version, m.Lane)), time.GetUtcNow());

    private static Duration? RoundTripOf(RegionView way) =>
        way.RoundTripSeconds > 0 ? TimeSpan.FromSeconds(way.RoundTripSeconds).ToDuration() : null;
}
