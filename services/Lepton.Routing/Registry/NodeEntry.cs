using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.V1;
using PlaceHealth = Lepton.Routing.Health.PlaceHealth;

namespace Lepton.Routing.Registry;

/// <summary>What the registry keeps of one node, under its lock.</summary>
internal sealed class NodeEntry(NodeSession session, NodeReport report, PlaceHealth health)
{
    private readonly Dictionary<(string Name, string Version), (Lane Lane, AnswerShare Share)> _lanes = [];

    public NodeSession? Session { get; set; } = session;

    public NodeReport Report { get; private set; } = report;

    public DateTimeOffset ReportTime { get; private set; }

    /// <summary>Monotonic time of the last report.</summary>
    public long SeenAt { get; set; }

    public NodeState State
    {
        get;
        set
        {
            // Requests that wait there hear of it. They only note it, so that it may be told under the lock.
            foreach ((Lane lane, _) in _lanes.Values)
                if (value == NodeState.Out)
                    lane.Leave();
                else
                    lane.Return();
            field = value;
        }
    }

    public double RoundTripSeconds { get; set; }

    public IReadOnlyList<ServedModel> Models { get; private set; } = [];

    public Uri Url { get; private set; } = new(report.Url);

    public void Take(NodeReport report, DateTimeOffset now, long stamp)
    {
        // A restarted process starts with nothing under way; requests of the former one end on their own lanes.
        bool restarted = !report.StartTime.Equals(Report.StartTime);
        if (restarted)
        {
            foreach ((Lane lane, _) in _lanes.Values)
                lane.Leave();
            _lanes.Clear();
        }
        if (report.State == NodeState.Serving && (restarted || !(State is NodeState.Serving or NodeState.Suspect)))
            health.Begin();
        if (report.Url != Report.Url)
            Url = new Uri(report.Url);
        (Report, ReportTime, SeenAt, State) = (report, now, stamp, report.State);
        Models = [.. report.Models.Select(Serve)];
        HashSet<(string, string)> named = [.. report.Models.Select(m => (m.Name, m.Version))];
        foreach ((string, string) key in _lanes.Keys.Where(k => !named.Contains(k)).ToArray())
            _lanes.Remove(key);
    }

    /// <param name="learnedBefore">What was learned before is forgotten.</param>
    /// <param name="kept">0 to 1: what is left of penalties.</param>
    public void Sweep(long learnedBefore, double kept)
    {
        health.Sweep();
        foreach ((Lane lane, _) in _lanes.Values)
        {
            lane.ForgetIfOlder(learnedBefore);
            lane.Sweep(kept);
        }
    }

    public NodeView ToView() =>
        new(Report.Node, Report.Zone, Url, State, Report, ReportTime, RoundTripSeconds, LoadPercent(Report.Load),
            Models)
        {
            Health = health.ToState(),
        };

    private ServedModel Serve(ModelReport model)
    {
        if (!_lanes.TryGetValue((model.Name, model.Version), out (Lane Lane, AnswerShare Share) known))
            _lanes.Add((model.Name, model.Version), known = (health.NewLane(model.Name), new AnswerShare()));
        known.Share.Hear(model.Completed, known.Lane.Good);
        return new ServedModel(model.Name, model.Version, model.Ready, (int)Math.Clamp(model.Slots, 1, 1 << 20),
            (int)Math.Min(model.QueueMax, 1 << 20), (int)Math.Min(model.Queued, 1 << 20),
            (int)Math.Min(model.InFlight, 1 << 20), model.ServiceTime?.ToTimeSpan().TotalSeconds ?? 0,
            model.Provider, known.Lane)
        {
            AnswersOfAll = known.Share.All,
            AnswersToUs = known.Share.Own,
            Idle = model.RequestRate == 0 && model.InFlight == 0,
            NonIdempotent = model.NonIdempotent,
            Loading = model.Loading,
        };
    }

    // What runs out first is the load: a GPU node's processors are idle while its GPU is not.
    private static double LoadPercent(LoadReport? load)
    {
        double utilization = load?.CpuUtilization ?? 0;
        foreach (GpuReport gpu in load?.Gpus ?? [])
            utilization = Math.Max(utilization, gpu.Utilization);
        return double.IsFinite(utilization) ? Math.Clamp(utilization, 0, 1) * 100 : 100;
    }
}
