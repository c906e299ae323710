using Lepton.Routing.Balancing;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>Sorts every node and region into candidates, last resorts and the excluded with their reasons.</summary>
internal sealed class ViewBuilder(Topology topology, RegistrySnapshot snapshot, ViewKey key)
{
    // A decision record holds 64 candidates; more exclusions than that are counted, not kept.
    private const int ExcludedMax = 64;

    private readonly List<FoundPlace> _found = [];
    private readonly List<Excluded> _excluded = [];
    private bool _known, _unheard, _nonIdempotent, _coming;

    public CandidateView Build(Turn turn)
    {
        foreach (NodeView node in snapshot.Nodes)
            Sort(node);
        _unheard |= snapshot.Nodes.Count == 0 && key.Allowed.Contains(topology.OwnIndex);
        foreach (RegionView region in snapshot.Regions)
            Sort(region);
        ServicePrior prior = ServicePrior.Of(snapshot.Nodes.Select(Latest), snapshot.Regions.Select(LiveLatest));
        ViewFacts facts = new(turn, snapshot.Version, _known || _unheard, !_nonIdempotent, _coming);
        return new ViewTriage(_found, prior, snapshot.Options, facts).Build(_excluded);
    }

    private void Sort(NodeView node)
    {
        if (!key.Allowed.Contains(topology.OwnIndex))
        {
            Exclude(node, Exclusion.RegionNotAllowed);
            return;
        }
        ServedModel? model = Latest(node);
        foreach (ServedModel known in node.Models.Where(m => m.Name == key.Model && Matches(m.Version)))
            (_known, _nonIdempotent) = (true, _nonIdempotent || known.NonIdempotent);
        // A node that starts lists nothing for a moment: it may have the model.
        bool starts = node.State == V1.NodeState.Starting;
        _coming |= (starts && node.Models.Count == 0) || (starts || node.State == V1.NodeState.Serving)
            && node.Models.Any(m => m.Name == key.Model && Matches(m.Version) && (m.Loading || (starts && m.Ready)));
        if (node.State == V1.NodeState.Out)
            Exclude(node, Exclusion.Out);
        else if (node.State == V1.NodeState.Starting)
            Exclude(node, Exclusion.Starting);
        else if (node.State == V1.NodeState.Draining)
            Exclude(node, Exclusion.Draining);
        else if (model is null)
            Exclude(node, Exclusion.ModelNotReady);
        else
            _found.Add(new FoundNode(node, model, topology.Own));
    }

    private void Sort(RegionView region)
    {
        bool allowed = key.Allowed.Contains(topology.Policy.IndexOf(region.Name));
        _unheard |= allowed && !region.Live && !key.OwnOnly;
        RegionModel? model = Latest(region);
        _known |= allowed && !key.OwnOnly && model is not null;
        _nonIdempotent |= region.Models.Any(m =>
            m.Summary.Name == key.Model && Matches(m.Summary.Version) && m.Summary.NonIdempotent);
        Exclusion exclusion = !allowed ? Exclusion.RegionNotAllowed
            : key.OwnOnly ? Exclusion.HopLimit
            : !region.Live ? Exclusion.SummaryStale
            : region.Draining ? Exclusion.Draining
            : model is null ? Exclusion.ModelNotReady
            : Exclusion.None;
        if (exclusion != Exclusion.None || model is null)
        {
            if (_excluded.Count < ExcludedMax)
                _excluded.Add(new Excluded("", region.Name, "", exclusion) { Router = region.Site.Name });
            return;
        }
        _found.Add(new FoundRegion(region, model));
    }

    private void Exclude(NodeView node, Exclusion reason)
    {
        if (_excluded.Count < ExcludedMax)
            _excluded.Add(new Excluded(node.Id, topology.Own, node.Zone, reason));
    }

    private ServedModel? Latest(NodeView node)
    {
        ServedModel? latest = null;
        foreach (ServedModel model in node.Models)
            if (model.Ready && model.Name == key.Model && Matches(model.Version)
                && (latest is null || ModelVersions.IsLater(model.Version, latest.Version)))
                latest = model;
        return latest;
    }

    private RegionModel? Latest(RegionView region)
    {
        RegionModel? latest = null;
        foreach (RegionModel model in region.Models)
            if (model.Summary.Name == key.Model && Matches(model.Summary.Version)
                && (latest is null || ModelVersions.IsLater(model.Summary.Version, latest.Summary.Version)))
                latest = model;
        return latest;
    }

    private RegionModel? LiveLatest(RegionView region) => region.Live ? Latest(region) : null;

    private bool Matches(string version) => key.Version.Length == 0 || key.Version == version;
}
