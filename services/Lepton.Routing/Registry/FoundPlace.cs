using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>An allowed place that has the model: a node, or a router of another region.</summary>
internal abstract record FoundPlace(Lane Lane, PlaceState Health, bool Suspect)
{
    public abstract bool IsRegion { get; }

    /// <summary>Concurrent executions.</summary>
    public abstract int Slots { get; }

    /// <summary>Under way there, ours and others', as far as we know.</summary>
    public abstract int Busy { get; }

    public Standing Standing => new(Suspect, Health.Ejection is not null, Lane.CircuitState, Lane.Slowness);

    /// <param name="share">0 to 1: the part of weight and slots that it may have.</param>
    /// <param name="prior">What to believe of a service time nobody measured.</param>
    /// <param name="crowd">Requests at the region's nodes, all routers', for each of ours.</param>
    public abstract Candidate ToCandidate(double share, ServicePrior prior, double crowd);

    public abstract Excluded ToExcluded(Exclusion reason, string detail);

    protected static int Usable(int slots, double share) => Math.Max(1, (int)Math.Ceiling(slots * share));
}

/// <summary>A node of the own region.</summary>
internal sealed record FoundNode(NodeView Node, ServedModel Model, string Region)
    : FoundPlace(Model.Lane, Node.Health, Node.State == V1.NodeState.Suspect)
{
    public override bool IsRegion => false;

    public override int Slots => Model.Slots;

    public override int Busy => Math.Max(Lane.Outstanding, Model.InFlight + Model.Queued);

    public override Candidate ToCandidate(double share, ServicePrior prior, double crowd) => new()
    {
        Node = Node.Id,
        Region = Region,
        Zone = Node.Zone,
        Url = Node.Url,
        Lane = Lane,
        Slots = Usable(Slots, share),
        SlotsThere = Slots,
        StartShare = share,
        QueueMax = Model.QueueMax,
        Queued = Model.Queued,
        Crowd = crowd,
        RoundTripSeconds = Node.RoundTripSeconds,
        ServicePriorSeconds = prior.For(Model),
        LoadPercent = Node.LoadPercent,
    };

    public override Excluded ToExcluded(Exclusion reason, string detail) =>
        new(Node.Id, Region, Node.Zone, reason) { Detail = detail };
}

/// <summary>Another region, by one of its routers.</summary>
internal sealed record FoundRegion(RegionView Region, RegionModel Model)
    : FoundPlace(Model.Lane, Region.Health, !Region.Connected)
{
    public override bool IsRegion => true;

    public override int Slots => Math.Max(1, PartOf(Model.Summary.Slots));

    public override int Busy => Lane.Outstanding + PartOf((uint)Model.Foreign);

    public override Candidate ToCandidate(double share, ServicePrior prior, double crowd) => new()
    {
        Node = "",
        Region = Region.Name,
        Router = Region.Site.Name,
        Url = Region.Site.Url,
        Lane = Lane,
        Slots = Usable(Slots, share),
        SlotsThere = Slots,
        StartShare = share,
        QueueMax = PartOf(Model.Summary.QueueMax),
        Queued = PartOf(Model.Summary.Queued),
        Foreign = PartOf((uint)Model.Foreign),
        RoundTripSeconds = Region.RoundTripSeconds,
        ServicePriorSeconds = prior.For(Model),
        LoadPercent = Math.Min(100, 100.0 * Model.Summary.InFlight / Math.Max(1, Model.Summary.Slots)),
    };

    public override Excluded ToExcluded(Exclusion reason, string detail) =>
        new("", Region.Name, "", reason) { Detail = detail, Router = Region.Site.Name };

    // What stands behind this one of several ways into the region.
    private int PartOf(uint whole) => (int)Math.Min(Math.Ceiling(whole * Region.Share), 1 << 20);
}
