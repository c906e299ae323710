using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;

namespace Lepton.Routing.Listing;

/// <summary>Regions and models as this router knows them.</summary>
internal sealed class RegionListing(Topology topology, SnapshotPublisher snapshots, TimeProvider time)
{
    /// <summary>Every region of the topology, by name.</summary>
    public IReadOnlyList<Region> Regions()
    {
        RegistrySnapshot snapshot = snapshots.Current;
        return [.. topology.Regions.Select(r => r.Name == topology.Own
            ? Own(r, snapshot)
            : Other(r, snapshot.Regions.FirstOrDefault(v => v.Name == r.Name)))];
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

    private Region Own(RoutingOptions.RegionOptions region, RegistrySnapshot snapshot) => new()
    {
        Name = region.Name,
        Own = true,
        GatewayUrl = region.PublicUrl.GetLeftPart(UriPartial.Authority),
        Summary = SummaryBuilder.Build(topology, snapshot, time.GetUtcNow()),
        ReceiveTime = time.GetUtcNow().ToTimestamp(),
        Live = true,
    };

    private Region Other(RoutingOptions.RegionOptions region, RegionView? view)
    {
        Region wire = new() { Name = region.Name, GatewayUrl = region.PublicUrl.GetLeftPart(UriPartial.Authority) };
        if (view?.Summary is null)
            return wire;
        wire.Health = WireHealth.Of(view.Health,
            view.Models.Select(m => (m.Summary.Name, m.Summary.Version, m.Lane)), time.GetUtcNow());
        (wire.Summary, wire.ReceiveTime, wire.Live) = (view.Summary, view.ReceiveTime.ToTimestamp(), view.Live);
        if (view.RoundTripSeconds > 0)
            wire.RoundTripTime = TimeSpan.FromSeconds(view.RoundTripSeconds).ToDuration();
        return wire;
    }
}
