using Lepton.Routing.Health;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;
using PlaceHealth = Lepton.Routing.Health.PlaceHealth;

namespace Lepton.Routing.Registry;

/// <summary>
/// The nodes of the own region. Rebuilt from their report streams in seconds, so it lives in memory only. Readers see
/// immutable lists; writers are a report a second and node, behind one lock.
/// </summary>
internal sealed class NodeRegistry(IOptions<RoutingOptions> options, TimeProvider time, HealthMonitor health)
{
    // A node that was slow once and then got nothing is tried again by its own report after this.
    private static readonly TimeSpan LearnedAgeMax = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, NodeEntry> _nodes = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private long _sweptAt = time.GetTimestamp();

    /// <summary>
    /// Raised, outside the lock, when what may serve has changed: a node came, went or changed its models.
    /// </summary>
    public event Action? Changed;

    /// <summary>Takes a report that came by a stream.</summary>
    /// <returns>False when the registry is full.</returns>
    public bool Take(NodeSession session, NodeReport report)
    {
        bool changed;
        lock (_lock)
        {
            if (!_nodes.TryGetValue(report.Node, out NodeEntry? entry))
            {
                if (_nodes.Count >= options.Value.NodesMax)
                    return false;
                _nodes.Add(report.Node,
                    entry = new NodeEntry(session, report, new PlaceHealth(report.Node, health)));
            }
            (NodeState before, NodeReport last) = (entry.State, entry.Report);
            (session.Node, entry.Session) = (report.Node, session);
            entry.Take(report, time.GetUtcNow(), time.GetTimestamp());
            changed = before != entry.State || !SameOffer(last, report);
        }
        if (changed)
            Changed?.Invoke();
        return true;
    }

    /// <summary>
    /// The stream has ended: its node is out at once, unless a newer stream has taken over, or we were paused. Then it
    /// may be the node that gave us up, and it has as long as any other to come back.
    /// </summary>
    public void Close(NodeSession session)
    {
        lock (_lock)
        {
            if (session.Node is null || !_nodes.TryGetValue(session.Node, out NodeEntry? entry)
                || entry.Session != session)
                return;
            entry.Session = null;
            if (health.Pauses.InDoubt)
                return;
            entry.State = NodeState.Out;
        }
        Changed?.Invoke();
    }

    /// <summary>Looks for silent nodes; a timer calls it several times a second.</summary>
    public void Sweep()
    {
        bool changed = false;
        lock (_lock)
        {
            double kept = health.PenaltyKept(time.GetElapsedTime(_sweptAt));
            bool paused = health.Pauses.EndedAt > _sweptAt;
            _sweptAt = time.GetTimestamp();
            long learnedBefore = _sweptAt - ToTicks(LearnedAgeMax);
            if (paused)
                GiveOnePeriod();
            foreach ((string id, NodeEntry entry) in _nodes.ToArray())
            {
                entry.Sweep(learnedBefore, kept);
                TimeSpan silent = time.GetElapsedTime(entry.SeenAt);
                NodeState state = entry.State;
                if (silent >= options.Value.OutAfter)
                    entry.State = NodeState.Out;
                else if (silent >= options.Value.SuspectAfter && state == NodeState.Serving)
                    entry.State = NodeState.Suspect;
                changed |= state != entry.State;
                if (silent >= options.Value.ForgetAfter)
                    changed |= _nodes.Remove(id);
            }
        }
        if (changed)
            Changed?.Invoke();
    }

    public IReadOnlyList<NodeView> Nodes()
    {
        lock (_lock)
            return [.. _nodes.Values.Select(e => e.ToView()).OrderBy(n => n.Id, StringComparer.Ordinal)];
    }

    /// <summary>A measured round trip to a node.</summary>
    public void Measured(string node, TimeSpan roundTrip)
    {
        lock (_lock)
            if (_nodes.TryGetValue(node, out NodeEntry? entry))
                entry.RoundTripSeconds = RoundTrip.Smooth(entry.RoundTripSeconds, roundTrip.TotalSeconds);
    }

    // After a pause of ours every node looks silent. None is judged by that: each gets until the next report is due,
    // counted as if its last one had come one period ago.
    private void GiveOnePeriod()
    {
        long floor = _sweptAt - ToTicks(options.Value.ReportInterval);
        foreach (NodeEntry entry in _nodes.Values)
            if (entry.State is NodeState.Serving or NodeState.Suspect or NodeState.Draining or NodeState.Starting)
                entry.SeenAt = Math.Max(entry.SeenAt, floor);
    }

    private long ToTicks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private static bool SameOffer(NodeReport a, NodeReport b)
    {
        if (a.Url != b.Url || a.Models.Count != b.Models.Count)
            return false;
        for (int i = 0; i < a.Models.Count; i++)
        {
            (ModelReport x, ModelReport y) = (a.Models[i], b.Models[i]);
            if (x.Ready != y.Ready || x.Slots != y.Slots || x.Name != y.Name || x.Version != y.Version)
                return false;
        }
        return true;
    }
}
