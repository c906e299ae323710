using System.Collections.Concurrent;
using Lepton.Routing.Balancing;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>
/// Nodes and regions at one moment. A view of the candidates is computed on the first request that needs it and shared
/// by all later ones; the next snapshot starts afresh.
/// </summary>
internal sealed class RegistrySnapshot(
    ulong version, Topology topology, IReadOnlyList<NodeView> nodes, IReadOnlyList<RegionView> regions,
    ConcurrentDictionary<string, Turn> turns)
{
    // Models that exist × sets that the policy can make: far below this; unknown models are not kept at all.
    private const int ViewsMax = 10_000;

    private readonly ConcurrentDictionary<ViewKey, CandidateView> _views = new();

    public ulong Version { get; } = version;

    public IReadOnlyList<NodeView> Nodes { get; } = nodes;

    public IReadOnlyList<RegionView> Regions { get; } = regions;

    /// <summary>How many may be left out, and when that is too many.</summary>
    public RoutingOptions Options { get; init; } = new();

    public CandidateView Find(in ViewKey key) => _views.TryGetValue(key, out CandidateView? view) ? view : Build(key);

    private CandidateView Build(in ViewKey key)
    {
        Turn turn = turns.TryGetValue(key.Model, out Turn? known) ? known : new Turn();
        CandidateView view = new ViewBuilder(topology, this, key).Build(turn);
        if (view.IsEmpty || _views.Count >= ViewsMax)
            return view;
        turns.TryAdd(key.Model, turn);
        return _views.GetOrAdd(key, view);
    }
}
