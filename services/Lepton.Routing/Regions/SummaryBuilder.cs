using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;

namespace Lepton.Routing.Regions;

/// <summary>
/// Puts all that other regions need to know of this one into one message, whatever the number of nodes.
/// </summary>
internal static class SummaryBuilder
{
    private const int ModelsMax = 1000;

    public static RegionSummary Build(
        Topology topology, RegistrySnapshot snapshot, DateTimeOffset now, bool draining = false)
    {
        RegionSummary summary = new()
        {
            Region = topology.Own,
            Router = topology.Router,
            Draining = draining,
            CreateTime = now.ToTimestamp(),
            NodesServing = (uint)snapshot.Nodes.Count(n => n.State == NodeState.Serving),
            NodesTotal = (uint)snapshot.Nodes.Count,
            PolicyVersion = topology.Policy.VersionText,
        };
        summary.Models.AddRange(snapshot.Nodes
            .Where(n => n.MayServe)
            .SelectMany(n => n.Models.Where(m => m.Ready))
            .GroupBy(m => (m.Name, m.Version))
            .OrderBy(g => g.Key.Name, StringComparer.Ordinal).ThenBy(g => g.Key.Version, StringComparer.Ordinal)
            .Take(ModelsMax)
            .Select(g => Summarise(g.Key.Name, g.Key.Version, [.. g])));
        return summary;
    }

    private static ModelSummary Summarise(string name, string version, IReadOnlyList<ServedModel> places)
    {
        ModelSummary summary = new()
        {
            Name = name,
            Version = version,
            Slots = (uint)places.Sum(p => p.Slots),
            InFlight = (uint)places.Sum(p => p.InFlight),
            Queued = (uint)places.Sum(p => p.Queued),
            QueueMax = (uint)places.Sum(p => (long)p.QueueMax),
            Nodes = (uint)places.Count,
            NonIdempotent = places.Any(p => p.NonIdempotent),
        };
        double weighted = 0, slots = 0;
        foreach (ServedModel place in places)
        {
            double seconds = place.Lane.ServiceSeconds is > 0 and var learned ? learned : place.ServiceSeconds;
            if (seconds > 0)
                (weighted, slots) = (weighted + (seconds * place.Slots), slots + place.Slots);
        }
        if (slots > 0)
            summary.ServiceTime = TimeSpan.FromSeconds(weighted / slots).ToDuration();
        summary.Providers.AddRange(places.Select(p => p.Provider).Where(p => p.Length > 0).Distinct().Order());
        return summary;
    }
}
