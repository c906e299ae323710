using Lepton.Routing;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Simulation.Tests;

/// <summary>What the first of twelve nodes turns into after a while.</summary>
internal enum Grey
{
    FailsFast,
    FailsThirtyPercent,
    TurnsSlow,
}

/// <summary>What came of it, counted from the moment the node turned grey.</summary>
internal sealed record GreyRun(int Requests, int Failed, double P99Milliseconds)
{
    public double FailedShare => Failed / (double)Requests;
}

/// <summary>
/// Routers with everything that the product knows and learns of places, over simulated nodes. No retries: what a place
/// fails is failed, so that the numbers show what health alone does.
/// </summary>
internal sealed class GreyNodeWorld
{
    private const int Nodes = 12, QueueMax = 16;
    private const double WarmSeconds = 12, Seconds = 40, RequestsPerSecond = 250, TickSeconds = 0.25;
    private const double SlowFactor = 10, FailSeconds = 0.001;

    private readonly HealthWorld[] _routers;
    private readonly CandidateView?[] _views;
    private readonly int[] _changes;
    private readonly SimulatedNode[] _nodes;
    private readonly Random _random;
    private readonly IBalancingStrategy _strategy;
    private readonly Grey _grey;
    private readonly PriorityQueue<Action, (double, long)> _events = new();
    private readonly List<double> _latencies = [];
    private double _now;
    private long _order;
    private int _requests, _failed;

    public GreyNodeWorld(Grey grey, IBalancingStrategy strategy, int routers, RoutingOptions options, int seed)
    {
        (_grey, _strategy, _random) = (grey, strategy, new Random(seed));
        _nodes = [.. Enumerable.Range(0, Nodes).Select(i => new SimulatedNode($"n{i:00}", i % 3 == 0 ? 4 : 2, QueueMax,
            0.02 + (0.03 * _random.NextDouble()), 0))];
        _routers = [.. Enumerable.Range(0, routers).Select(r => new HealthWorld(options, (ulong)(seed + r)))];
        foreach (HealthWorld router in _routers)
            foreach (SimulatedNode node in _nodes)
                router.AddNode(node.Id, node.Slots);
        (_views, _changes) = (new CandidateView?[routers], new int[routers]);
    }

    /// <summary>Health as it is by default.</summary>
    public static RoutingOptions On => new();

    /// <summary>Nothing is learned of failures, nobody leaves.</summary>
    public static RoutingOptions Off => new()
    {
        Ejection = { ConsecutiveFailures = 1000, RequestsMin = 1_000_000 },
        Circuit = { Failures = 1000 },
        Penalty = { Factor = 0 },
        SlowStart = { Window = TimeSpan.Zero },
    };

    private bool IsGrey => _now >= WarmSeconds;

    public GreyRun Run()
    {
        Tick(0);
        Arrive(0);
        if (_grey == Grey.TurnsSlow)
            At(WarmSeconds, () => _nodes[0].MeanServiceSeconds *= SlowFactor);
        while (_events.TryDequeue(out Action? action, out (double Time, long) at))
        {
            _now = at.Time;
            action();
        }
        _latencies.Sort();
        return new GreyRun(_requests, _failed, _latencies[(int)(0.99 * _latencies.Count)] * 1000);
    }

    private void At(double time, Action action) => _events.Enqueue(action, (time, _order++));

    private void Tick(double time) => At(time, () =>
    {
        for (int r = 0; r < _routers.Length; r++)
        {
            _routers[r].Pass(TickSeconds);
            _views[r] = null;
        }
        if (_now < Seconds)
            Tick(_now + TickSeconds);
    });

    private void Arrive(double time) => At(time, () =>
    {
        Send(_random.Next(_routers.Length));
        double next = _now - (Math.Log(1 - _random.NextDouble()) / RequestsPerSecond);
        if (next < Seconds)
            Arrive(next);
    });

    private void Send(int r)
    {
        // As the publisher does it: a new view each period, and at once when health has changed.
        if (_views[r] is null || _changes[r] != _routers[r].Changes.Count)
            (_views[r], _changes[r]) = (_routers[r].Find(), _routers[r].Changes.Count);
        PickContext context = new(new Chance((ulong)_random.NextInt64()), (long)_now);
        Candidate picked = Balancer.Pick(_views[r]!, _strategy, ref context, book: true, out CandidateView from)
            ?? throw new InvalidOperationException("every node is a candidate or a last resort");
        int ahead = picked.Lane.Outstanding - 1;
        double sent = _now;
        bool counts = IsGrey;
        _requests += counts ? 1 : 0;
        SimulatedNode node = _nodes.Single(n => n.Id == picked.Node);
        if (IsGrey && node == _nodes[0] && Fails())
            At(_now + FailSeconds, () => End(Outcome.Failed));
        else if (!node.Offer(Size(), _now, service => At(_now + service, () =>
        {
            node.Finish(service);
            picked.Lane.Learn(ServiceEstimate.Seconds(_now - sent, picked, ahead), _routers[r].Time.GetTimestamp());
            if (counts)
                _latencies.Add(_now - sent);
            picked.Lane.Release(Outcome.Good, from.IsTrial);
        })))
            End(Outcome.Overloaded);

        void End(Outcome outcome)
        {
            _failed += counts ? 1 : 0;
            picked.Lane.Release(outcome, from.IsTrial);
        }
    }

    private bool Fails() => _grey switch
    {
        Grey.FailsFast => true,
        Grey.FailsThirtyPercent => _random.NextDouble() < 0.3,
        _ => false,
    };

    // Log-normal, sigma 0.5, mean 1.
    private double Size()
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()))
            * Math.Cos(2 * Math.PI * _random.NextDouble());
        return Math.Exp((0.5 * normal) - 0.125);
    }
}
