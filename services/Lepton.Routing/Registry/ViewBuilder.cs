using Lepton.Routing.Balancing;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>Sorts every node and region into candidates, last resorts and the excluded with their reasons.</summary>
internal sealed class ViewBuilder(Topology topology, RegistrySnapshot snapshot, ViewKey key)
{
    // A decision record holds 64 candidates; more exclusions than that are counted, not kept.
    private const int ExcludedMax = 64;

    private readonly List<Candidate> _own = [], _remote = [], _suspectOwn = [], _suspectRemote = [];
    private readonly List<Excluded> _excluded = [];
    private bool _known, _unheard;

    public CandidateView Build(Turn turn)
    {
        ServicePrior prior = ServicePrior.Of(snapshot.Nodes.Select(Latest), snapshot.Regions.Select(LiveLatest));
        foreach (NodeView node in snapshot.Nodes)
            Sort(node, prior);
        _unheard |= snapshot.Nodes.Count == 0 && key.Allowed.Contains(topology.OwnIndex);
        foreach (RegionView region in snapshot.Regions)
            Sort(region, prior);

        CandidateView? lastResort = _suspectOwn.Count + _suspectRemote.Count == 0
            ? null
            : ViewOf(_suspectOwn, _suspectRemote, turn, null);
        return _own.Count + _remote.Count == 0 && lastResort is not null
            ? lastResort
            : ViewOf(_own, _remote, turn, lastResort);
    }

    private CandidateView ViewOf(List<Candidate> own, List<Candidate> remote, Turn turn, CandidateView? lastResort) =>
        new([.. own], [.. remote], turn)
        {
            Excluded = _excluded,
            LastResort = lastResort,
            TopologyVersion = snapshot.Version,
            ModelMayExist = _known || _unheard,
        };

    private void Sort(NodeView node, ServicePrior prior)
    {
        if (!key.Allowed.Contains(topology.OwnIndex))
        {
            Exclude(node, Exclusion.RegionNotAllowed);
            return;
        }
        ServedModel? model = Latest(node);
        _known |= node.Models.Any(m => m.Name == key.Model && Matches(m.Version));
        if (node.State == V1.NodeState.Out)
            Exclude(node, Exclusion.Out);
        else if (node.State == V1.NodeState.Starting)
            Exclude(node, Exclusion.Starting);
        else if (node.State == V1.NodeState.Draining)
            Exclude(node, Exclusion.Draining);
        else if (model is null)
            Exclude(node, Exclusion.ModelNotReady);
        else
            (node.State == V1.NodeState.Suspect ? _suspectOwn : _own).Add(CandidateOf(node, model, prior));
    }

    private void Sort(RegionView region, ServicePrior prior)
    {
        bool allowed = key.Allowed.Contains(topology.Policy.IndexOf(region.Name));
        _unheard |= allowed && !region.Live && !key.OwnOnly;
        RegionModel? model = Latest(region);
        _known |= allowed && !key.OwnOnly && model is not null;
        Exclusion exclusion = !allowed ? Exclusion.RegionNotAllowed
            : key.OwnOnly ? Exclusion.HopLimit
            : !region.Live ? Exclusion.SummaryStale
            : region.Summary?.Draining == true ? Exclusion.Draining
            : model is null ? Exclusion.ModelNotReady
            : Exclusion.None;
        if (exclusion != Exclusion.None || model is null)
        {
            if (_excluded.Count < ExcludedMax)
                _excluded.Add(new Excluded("", region.Name, "", exclusion));
            return;
        }
        (region.Connected ? _remote : _suspectRemote).Add(CandidateOf(region, model, prior));
    }

    private void Exclude(NodeView node, Exclusion reason)
    {
        if (_excluded.Count < ExcludedMax)
            _excluded.Add(new Excluded(node.Id, topology.Own, node.Zone, reason));
    }

    private static Candidate CandidateOf(RegionView region, RegionModel model, ServicePrior prior) => new()
    {
        Node = "",
        Region = region.Name,
        Url = region.Url,
        Lane = model.Lane,
        Slots = (int)Math.Clamp(model.Summary.Slots, 1, 1 << 20),
        QueueMax = (int)Math.Min(model.Summary.QueueMax, 1 << 20),
        Queued = (int)Math.Min(model.Summary.Queued, 1 << 20),
        Foreign = model.Foreign,
        RoundTripSeconds = region.RoundTripSeconds,
        ServicePriorSeconds = prior.For(model),
        LoadPercent = Math.Min(100, 100.0 * model.Summary.InFlight / Math.Max(1, model.Summary.Slots)),
    };

    private Candidate CandidateOf(NodeView node, ServedModel model, ServicePrior prior) => new()
    {
        Node = node.Id,
        Region = topology.Own,
        Zone = node.Zone,
        Url = node.Url,
        Lane = model.Lane,
        Slots = model.Slots,
        QueueMax = model.QueueMax,
        Queued = model.Queued,
        RoundTripSeconds = node.RoundTripSeconds,
        ServicePriorSeconds = prior.For(model),
        LoadPercent = node.LoadPercent,
    };

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
