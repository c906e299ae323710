using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.V1;

namespace Lepton.Simulation.Scaling;

/// <summary>What came of a day.</summary>
/// <param name="Violations">Answered later than promised, or refused.</param>
internal sealed record PoolDay(string Scaler, int Requests, int Violations, int Refused, double NodeHours,
    double P99Seconds, int NodesMost, int Starts);

/// <summary>
/// A pool of nodes behind one queue, request by request: nodes take time to start, cost from the order on, and finish
/// what they have before they go.
/// </summary>
internal sealed class SimulatedPool
{
    private readonly BurstyDay _day;
    private readonly SimulatedClock _clock;
    private readonly PriorityQueue<Node, double> _ends = new();
    private readonly Queue<(double At, double Service)> _waiting = new();
    private readonly List<Node> _nodes = [];
    private readonly List<double> _latencies = [];
    private readonly int[] _answered = new int[10];
    private double _now, _nodeSeconds, _service;
    private int _refused, _late, _made, _most, _starts;

    private SimulatedPool(BurstyDay day, SimulatedClock clock) => (_day, _clock) = (day, clock);

    public static PoolDay Run(BurstyDay day, int seed, Func<SimulatedClock, IScaler> make)
    {
        SimulatedClock clock = new();
        return new SimulatedPool(day, clock).Run(seed, make(clock));
    }

    private PoolDay Run(int seed, IScaler scaler)
    {
        int first = scaler is FixedScaler ? scaler.Desired(Signals()) : _day.NodesMin;
        for (int i = 0; i < first; i++)
            _nodes.Add(new Node($"n{_made++}", 0));
        using IEnumerator<(double At, double Service)> requests = _day.Requests(seed).GetEnumerator();
        bool more = requests.MoveNext();
        int count = 0;
        for (double tick = 1; tick <= _day.Seconds; tick++)
        {
            while (more && requests.Current.At < tick)
            {
                Until(requests.Current.At);
                count++;
                Arrive(requests.Current);
                more = requests.MoveNext();
            }
            Until(tick);
            Look(scaler, (int)tick);
        }
        Until(_day.Seconds + 3600);
        _latencies.Sort();
        return new PoolDay(scaler.Name, count, _late + _refused, _refused, _nodeSeconds / 3600,
            _latencies[(int)(0.99 * _latencies.Count)], _most, _starts);
    }

    private void Look(IScaler scaler, int tick)
    {
        _nodeSeconds += _nodes.Count;
        _most = Math.Max(_most, _nodes.Count);
        _clock.Seconds = tick;
        int desired = Math.Clamp(scaler.Desired(Signals()), _day.NodesMin, _day.NodesMax);
        _answered[(tick + 1) % 10] = 0; // the oldest second makes room for the next
        foreach (Node node in _nodes)
            node.BusySeconds = 0;
        Scale(desired, tick);
    }

    private void Scale(int desired, int tick)
    {
        int current = _nodes.Count(n => !n.Draining);
        foreach (Node node in _nodes.Where(n => n.Draining))
            if (current < desired)
                (node.Draining, current) = (false, current + 1);
        for (; current < desired; current++, _starts++)
            _nodes.Add(new Node($"n{_made++}", tick + _day.StartSeconds));
        // Those that have not begun to serve go first, then those with least to finish.
        foreach (Node node in _nodes.Where(n => !n.Draining).OrderByDescending(n => n.ReadyAt > _now)
            .ThenBy(n => n.Busy).Take(current - desired).ToArray())
            node.Draining = true;
        _nodes.RemoveAll(n => n.Draining && n.Busy == 0);
        Serve();
    }

    private PoolSignals Signals()
    {
        NodeSignal[] nodes =
        [
            .. _nodes.Select(n => new NodeSignal(n.Id,
                n.Draining ? NodeState.Draining : n.ReadyAt > _now ? NodeState.Starting : NodeState.Serving,
                Math.Min(1, n.BusySeconds / _day.SlotsPerNode), null, null, n.Busy)),
        ];
        int serving = nodes.Count(n => n.Serves);
        return new PoolSignals(Tier.Edge, nodes,
        [
            new ModelSignal("model", serving, serving * _day.SlotsPerNode, 
                _nodes.Where(n => !n.Draining).Sum(n => n.Busy),
                _waiting.Count, _answered.Sum() / 10.0, _service),
        ]);
    }

    private void Arrive((double At, double Service) request)
    {
        if (_waiting.Count >= _day.QueueMax)
        {
            _refused++;
            return;
        }
        _waiting.Enqueue(request);
        Serve();
    }

    private void Serve()
    {
        while (_waiting.Count > 0 && Free() is { } node)
        {
            (double at, double service) = _waiting.Dequeue();
            node.Busy++;
            node.Track(_now);
            node.Latency.Enqueue((_now + service, at, service), _now + service);
            _ends.Enqueue(node, _now + service);
        }
    }

    private Node? Free()
    {
        Node? best = null;
        foreach (Node node in _nodes)
            if (!node.Draining && node.ReadyAt <= _now && node.Busy < _day.SlotsPerNode
                && (best is null || node.Busy < best.Busy))
                best = node;
        return best;
    }

    private void Until(double time)
    {
        while (_ends.TryPeek(out Node? node, out double end) && end <= time)
        {
            _ends.Dequeue();
            _now = end;
            (double _, double at, double service) = node.Latency.Dequeue();
            node.Track(_now);
            node.Busy--;
            _latencies.Add(_now - at);
            _late += _now - at > _day.SloSeconds ? 1 : 0;
            _answered[(int)Math.Ceiling(_now) % 10]++;
            _service = _service == 0 ? service : _service + (0.05 * (service - _service));
            Serve();
        }
        _now = time;
        foreach (Node node in _nodes)
            node.Track(_now);
    }

    private sealed class Node(string id, double readyAt)
    {
        private double _trackedAt;

        public string Id { get; } = id;

        public double ReadyAt { get; } = readyAt;

        public bool Draining { get; set; }

        public int Busy { get; set; }

        /// <summary>Seconds of slots that worked since the last look.</summary>
        public double BusySeconds { get; set; }

        public PriorityQueue<(double End, double At, double Service), double> Latency { get; } = new();

        public void Track(double now)
        {
            BusySeconds += Busy * (now - _trackedAt);
            _trackedAt = now;
        }
    }
}
