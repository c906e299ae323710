using Lepton.Routing.Balancing;

namespace Lepton.Simulation.Tests;

/// <summary>What came of a run.</summary>
internal sealed record Outcome(int Requests, int Failed, double P50Milliseconds, double P99Milliseconds,
    int LeftUnderWay)
{
    public double FailedShare => Failed / (double)Requests;
}

/// <summary>
/// Runs a scenario against one strategy. The same seed gives the same arrivals, service times and draws.
/// </summary>
internal sealed class Simulator
{
    private readonly Scenario _scenario;
    private readonly Random _arrivals, _services;
    private readonly SimulatedNode[] _nodes;
    private readonly SimulatedRouter[] _routers;
    private readonly PriorityQueue<Action, (double Time, long Order)> _events = new();
    private readonly List<double> _latencies = [];
    private double _now;
    private long _order;
    private int _requests, _failed;

    public Simulator(Scenario scenario, IBalancingStrategy strategy, int seed)
    {
        _scenario = scenario;
        (_arrivals, _services) = (new Random(seed), new Random(seed + 1));
        Random shape = new(seed + 2);
        _nodes = [.. Enumerable.Range(0, scenario.Nodes).Select(i => new SimulatedNode($"n{i:00}",
            slots: i % 3 == 0 ? 4 : 2, queueMax: 16, meanServiceSeconds: 0.02 + (0.06 * shape.NextDouble()),
            roundTripSeconds: 0.001 + (0.01 * (i % 3))))];
        _routers = [.. Enumerable.Range(0, scenario.Routers).Select(r =>
            new SimulatedRouter(_nodes, strategy, (ulong)(seed + 100 + r)))];
    }

    public Outcome Run()
    {
        for (int i = 0; i < _nodes.Length; i++)
            Beat(i, _scenario.HeartbeatEvery * i / _nodes.Length);
        Snapshot(0);
        Arrive(0);
        if (_scenario.GreyNodeFactor > 1)
            At(_scenario.Seconds / 3, () => _nodes[0].MeanServiceSeconds *= _scenario.GreyNodeFactor);
        while (_events.TryDequeue(out Action? action, out (double Time, long) at))
        {
            _now = at.Time;
            action();
        }
        _latencies.Sort();
        int left = _routers.Sum(r => Enumerable.Range(0, _nodes.Length).Sum(r.Outstanding));
        return new Outcome(_requests, _failed, Quantile(0.5), Quantile(0.99), left);
    }

    private double Quantile(double q) => _latencies.Count == 0 ? double.NaN
        : _latencies[Math.Min(_latencies.Count - 1, (int)(q * _latencies.Count))] * 1000;

    private void At(double time, Action action) => _events.Enqueue(action, (time, _order++));

    private void Beat(int node, double time) => At(time, () =>
    {
        foreach (SimulatedRouter router in _routers)
            router.Hear(node);
        if (_now < _scenario.Seconds)
            Beat(node, _now + _scenario.HeartbeatEvery);
    });

    private void Snapshot(double time) => At(time, () =>
    {
        foreach (SimulatedRouter router in _routers)
            router.Publish();
        if (_now < _scenario.Seconds)
            Snapshot(_now + 0.25);
    });

    private void Arrive(double time) => At(time, () =>
    {
        Send(_routers[_arrivals.Next(_routers.Length)]);
        double next = _now - (Math.Log(1 - _arrivals.NextDouble()) / _scenario.RateAt(_now));
        if (next < _scenario.Seconds)
            Arrive(next);
    });

    private void Send(SimulatedRouter router)
    {
        _requests++;
        double sent = _now;
        (int index, Candidate picked) = router.Pick(_now);
        int ahead = picked.Lane.Outstanding - 1;
        SimulatedNode node = _nodes[index];
        double way = node.RoundTripSeconds / 2;
        At(sent + way, () =>
        {
            bool taken = node.Offer(_services, service => At(_now + service, () =>
            {
                node.Finish(_services);
                At(_now + way, () =>
                {
                    _latencies.Add(_now - sent);
                    SimulatedRouter.End(picked, _now - sent, ahead, _now);
                });
            }));
            if (!taken)
                At(_now + way, () =>
                {
                    _failed++;
                    SimulatedRouter.Fail(picked);
                });
        });
    }
}
