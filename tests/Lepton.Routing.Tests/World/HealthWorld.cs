using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;
using Candidate = Lepton.Routing.Balancing.Candidate;

namespace Lepton.Routing.Tests.World;

/// <summary>
/// What a router knows and learns of places, with everything of the product but sockets; time and chance are the
/// test's.
/// </summary>
internal sealed class HealthWorld
{
    public static readonly string[] AllRegions = ["ap-south", "eu-west", "us-east"];
    private const string Own = "eu-west";

    private const string PolicyJson = """
        {
          "version": 1, "dataClasses": { "public": { "regions": ["*"] } },
          "tenants": { "demo": { "floor": "public" } }, "models": { "default": { "floor": "public" } }
        }
        """;

    private readonly Dictionary<string, (NodeSession Session, NodeReport Report)> _nodes = [];
    private readonly Dictionary<string, RegionSummary> _summaries = [];
    private readonly ResidencyPolicy _policy = ResidencyPolicy.Parse(Encoding.UTF8.GetBytes(PolicyJson), AllRegions);
    private readonly Topology _topology;
    private readonly OutlierWatch _outliers;
    private readonly ChanceSource _chance;
    private ulong _version;
    private int _ticks;

    public HealthWorld(RoutingOptions? options = null, ulong seed = 1)
    {
        Options = options ?? new RoutingOptions();
        _topology = new Topology(Own,
            [.. AllRegions.Select(r => new RoutingOptions.RegionOptions { Name = r, Url = new($"https://{r}") })],
                _policy);
        _chance = new ChanceSource(seed);
        Monitor = TestHealth.Monitor(Time, Options, seed);
        IOptions<RoutingOptions> wrapped = Microsoft.Extensions.Options.Options.Create(Options);
        Nodes = new NodeRegistry(wrapped, Time, Monitor);
        Regions = new RegionTable(_topology, wrapped, Time, Monitor);
        _outliers = new OutlierWatch(Monitor);
        Monitor.Changed += (place, _, change) => Changes.Add($"{place.Name} {change}");
    }

    public RoutingOptions Options { get; }

    public ManualTime Time { get; } = new();

    public HealthMonitor Monitor { get; }

    public NodeRegistry Nodes { get; }

    public RegionTable Regions { get; }

    public List<string> Changes { get; } = [];

    /// <summary>A node reports now, and from now on every second that passes.</summary>
    public NodeSession AddNode(string id, int slots = 4, NodeState state = NodeState.Serving, params string[] models)
    {
        NodeReport report = new()
        {
            Node = id, Region = Own, Zone = "a", Tier = Tier.Core, Url = $"https://{id}", State = state,
            StartTime = Timestamp.FromDateTime(DateTime.UnixEpoch.AddSeconds(1)),
        };
        report.Models.AddRange((models.Length == 0 ? ["ocr"] : models).Select(m => new ModelReport
        {
            Name = m, Version = "1", Ready = true, Slots = (uint)slots, QueueMax = 8, Provider = "cpu",
            ServiceTime = TimeSpan.FromMilliseconds(20).ToDuration(), RequestRate = 1,
        }));
        NodeSession session = new();
        _nodes[id] = (session, report);
        Nodes.Take(session, report);
        return session;
    }

    /// <summary>What a node reports, to be changed.</summary>
    public NodeReport ReportOf(string id) => _nodes[id].Report;

    /// <summary>A region is heard of, now and every second that passes.</summary>
    public void AddRegion(string name, params string[] models)
    {
        RegionSummary summary = new() { Region = name, NodesServing = 2, NodesTotal = 2 };
        summary.Models.AddRange(models.Select(m => new ModelSummary
        {
            Name = m, Version = "1", Slots = 8, QueueMax = 8, Nodes = 2, Providers = { "cpu" },
            ServiceTime = TimeSpan.FromMilliseconds(20).ToDuration(),
        }));
        _summaries[name] = summary;
        Regions.Take(name, summary);
        Regions.Measured(name, "", TimeSpan.FromMilliseconds(80));
        Connect(name, true);
    }

    /// <summary>Whether the stream to the region's only router stands.</summary>
    public void Connect(string region, bool connected) =>
        Regions.Connected(_topology.Find(region)!.Routers[0], connected);

    /// <summary>It reports no more; its stream stands.</summary>
    public void Silence(string id)
    {
        _nodes.Remove(id);
        _summaries.Remove(id);
    }

    /// <summary>
    /// Time passes as for a router that runs: sweeps every 250 ms, reports and summaries every second.
    /// </summary>
    public void Pass(double seconds)
    {
        for (double t = 0; t < seconds - 1e-9; t += 0.25)
        {
            Time.Advance(TimeSpan.FromSeconds(0.25));
            Tick();
            if (++_ticks % 4 != 0)
                continue;
            foreach ((NodeSession session, NodeReport report) in _nodes.Values)
                Nodes.Take(session, report);
            foreach ((string region, RegionSummary summary) in _summaries)
                Regions.Take(region, summary);
        }
    }

    /// <summary>What the publisher does four times a second.</summary>
    public void Tick()
    {
        Monitor.Pauses.Tick();
        Nodes.Sweep();
        Regions.Sweep();
        _outliers.Look(Snapshot());
    }

    public RegistrySnapshot Snapshot() =>
        new(++_version, _topology, Nodes.Nodes(), Regions.Regions(), new()) { Options = Options };

    /// <param name="allowed">The regions that may process it; none named: all.</param>
    public CandidateView Find(string model = "ocr", params string[] allowed)
    {
        RegionSet set = RegionSet.None;
        foreach (string region in allowed.Length == 0 ? AllRegions : allowed)
            set = set.With(_policy.IndexOf(region));
        return Snapshot().Find(new ViewKey(model, "", set, OwnOnly: false));
    }

    /// <summary>One request, which ends at once as the test says.</summary>
    public Candidate? Ask(
        Func<Candidate, Outcome> end, string model = "ocr", IBalancingStrategy? strategy = null,
        params string[] allowed)
    {
        PickContext context = new(_chance.Next(), 0);
        Candidate? picked = Balancer.Pick(Find(model, allowed), strategy ?? StrategyCatalogue.Default, ref context,
            book: true, out CandidateView from);
        if (picked is null)
            return null;
        using Reservation reservation = new(picked.Lane, from.IsTrial);
        Outcome outcome = end(picked);
        if (outcome == Outcome.Good)
            picked.Lane.Learn(0.02, Time.GetTimestamp());
        reservation.End(outcome);
        return picked;
    }

    /// <summary>The node's lane for a model.</summary>
    public Lane LaneOf(string node, string model = "ocr") =>
        Nodes.Nodes().Single(n => n.Id == node).Models.Single(m => m.Name == model).Lane;

    /// <summary>Requests of one node that end so, whoever would have been picked.</summary>
    public void End(string node, Outcome outcome, int times = 1, string model = "ocr")
    {
        Lane lane = LaneOf(node, model);
        for (int i = 0; i < times; i++)
        {
            Assert.True(lane.TryReserve(int.MaxValue));
            if (outcome == Outcome.Good)
                lane.Learn(0.02, Time.GetTimestamp());
            lane.Release(outcome);
        }
    }

    public static IEnumerable<string> NamesOf(CandidateView? view) =>
        view?.All.Candidates.Select(c => c.IsRegion ? c.Region : c.Node) ?? [];

    public static Dictionary<string, Exclusion> ExcludedOf(CandidateView view) =>
        view.Excluded.ToDictionary(e => e.Node.Length > 0 ? e.Node : e.Region, e => e.Reason);
}
