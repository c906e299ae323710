using Lepton.Routing.Balancing;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>Sorts every node and region into candidates, last resorts and the excluded with their reasons.</summary>
internal sealed class ViewBuilder(Topology topology, RegistrySnapshot snapshot, ViewKey key)
{
    // Before anybody has measured: between a language model's token and an image. Only ratios between candidates
    // matter, and an unmeasured one should look ordinary, not attractive.
    private const double ServiceSecondsDefault = 0.05;

    // A decision record holds 64 candidates; more exclusions than that are counted, not kept.
    private const int ExcludedMax = 64;

    private readonly List<Candidate> _own = [], _remote = [], _suspectOwn = [], _suspectRemote = [];
    private readonly List<Excluded> _excluded = [];
    private bool _known, _unheard;

    public CandidateView Build(Turn turn)
    {
        double prior = ServicePrior();
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

    private void Sort(NodeView node, double prior)
    {
        if (!key.Allowed.Contains(topology.OwnIndex))
        {
            Exclude(node, Exclusion.RegionNotAllowed);
            return;
        }
        ServedModel? model = Latest(node);
        _known |= node.Models.Any(m => m.Name == key.Model);
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

    private void Sort(RegionView region, double prior)
    {
        bool allowed = key.Allowed.Contains(topology.Policy.IndexOf(region.Name));
        _unheard |= allowed && !region.Live && !key.OwnOnly;
        RegionModel? model = Latest(region);
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
        _known = true;
        (region.Connected ? _remote : _suspectRemote).Add(CandidateOf(region, model, prior));
    }

    private void Exclude(NodeView node, Exclusion reason)
    {
        if (_excluded.Count < ExcludedMax)
            _excluded.Add(new Excluded(node.Id, topology.Own, node.Zone, reason));
    }

    private static Candidate CandidateOf(RegionView region, RegionModel model, double prior) => new()
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
        ServicePriorSeconds = model.Summary.ServiceTime?.ToTimeSpan().TotalSeconds is > 0 and var s ? s : prior,
        LoadPercent = Math.Min(100, 100.0 * model.Summary.InFlight / Math.Max(1, model.Summary.Slots)),
    };

    private Candidate CandidateOf(NodeView node, ServedModel model, double prior) => new()
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
        ServicePriorSeconds = model.ServiceSeconds > 0 ? model.ServiceSeconds : prior,
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

    private bool Matches(string version) => key.Version.Length == 0 || key.Version == version;

    /// <summary>What the others take for this model: the fairest guess for one that nobody has measured.</summary>
    private double ServicePrior()
    {
        double sum = 0;
        int count = 0;
        foreach (ServedModel model in snapshot.Nodes.Select(Latest).OfType<ServedModel>())
            if (model.ServiceSeconds > 0)
                (sum, count) = (sum + model.ServiceSeconds, count + 1);
        return count > 0 ? sum / count : ServiceSecondsDefault;
    }
}
