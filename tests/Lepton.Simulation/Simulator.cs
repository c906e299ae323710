using Lepton.Routing.Balancing;

namespace Lepton.Simulation;

/// <summary>What came of a run.</summary>
/// <param name="P99Milliseconds">Of the answered requests; the failed ones are counted beside it.</param>
internal sealed record SimulatedRun(int Requests, int Failed, double P50Milliseconds, double P99Milliseconds,
    int LeftUnderWay);

/// <summary>
/// Runs a scenario against one strategy. The same seed gives the same nodes and the same requests, each with its
/// arrival, router and work, to every strategy.
/// </summary>
internal sealed class Simulator
{
    private const double SnapshotEverySeconds = 0.25; // as SnapshotPublisher does

    private readonly Scenario _scenario;
    private readonly IEnumerator<Arrival> _arrivals;
    private readonly SimulatedNode[] _nodes;
    private readonly SimulatedRouter[] _routers;
    private readonly PriorityQueue<Action, (double Time, long Order)> _events = new();
    private readonly List<double> _latencies = [];
    private double _now;
    private long _order;
    private int _requests, _failed;

    public Simulator(Scenario scenario, int routers, IBalancingStrategy strategy, int seed)
    {
        _scenario = scenario;
        _arrivals = Arrivals.Of(scenario, routers, seed).GetEnumerator();
        _nodes = [.. Arrivals.Nodes(scenario, seed + 1).Select((n, i) => new SimulatedNode(
            $"n{i:00}", n.Slots, scenario.QueueRequestsMax, n.MeanServiceSeconds, n.RoundTripSeconds))];
        _routers = [.. Enumerable.Range(0, routers).Select(r =>
            new SimulatedRouter(_nodes, strategy, (ulong)(seed + 100 + r)))];
    }

    public SimulatedRun Run()
    {
        for (int i = 0; i < _nodes.Length; i++)
            Report(i, _scenario.ReportEverySeconds * i / _nodes.Length);
        Snapshot(0);
        Arrive();
        At(_scenario.WarmUpSeconds + (_scenario.DurationSeconds / 3),
            () => _nodes[0].MeanServiceSeconds *= _scenario.GreyFactor);
        while (_events.TryDequeue(out Action? action, out (double Time, long) at))
        {
            _now = at.Time;
            action();
        }
        _latencies.Sort();
        int left = _routers.Sum(r => Enumerable.Range(0, _nodes.Length).Sum(r.Outstanding));
        return new SimulatedRun(_requests, _failed, Quantile(0.5), Quantile(0.99), left);
    }

    private double Quantile(double q) => _latencies.Count == 0 ? double.NaN
        : _latencies[Math.Min(_latencies.Count - 1, (int)(q * _latencies.Count))] * 1000;

    private void At(double time, Action action) => _events.Enqueue(action, (time, _order++));

    private void Report(int node, double time) => At(time, () =>
    {
        foreach (SimulatedRouter router in _routers)
            router.Hear(node, _now);
        if (_now < _scenario.EndSeconds)
            Report(node, _now + _scenario.ReportEverySeconds);
    });

    private void Snapshot(double time) => At(time, () =>
    {
        foreach (SimulatedRouter router in _routers)
            router.Publish(_now);
        if (_now < _scenario.EndSeconds)
            Snapshot(_now + SnapshotEverySeconds);
    });

    private void Arrive()
    {
        if (!_arrivals.MoveNext())
            return;
        Arrival arrival = _arrivals.Current;
        At(arrival.Seconds, () =>
        {
            Send(_routers[arrival.Router], arrival.Size);
            Arrive();
        });
    }

    private void Send(SimulatedRouter router, double size)
    {
        double sent = _now;
        bool counts = sent >= _scenario.WarmUpSeconds;
        _requests += counts ? 1 : 0;
        (int index, Candidate picked) = router.Pick(_now);
        int ahead = picked.Lane.Outstanding - 1;
        SimulatedNode node = _nodes[index];
        double way = node.RoundTripSeconds / 2;
        At(sent + way, () =>
        {
            bool taken = node.Offer(size, _now, service => At(_now + service, () =>
            {
                node.Finish(service);
                At(_now + way, () =>
                {
                    if (counts)
                        _latencies.Add(_now - sent);
                    router.End(picked, _now - sent, ahead, _now);
                });
            }));
            if (!taken)
                At(_now + way, () =>
                {
                    _failed += counts ? 1 : 0;
                    SimulatedRouter.Fail(picked);
                });
        });
    }
}
