using Google.Protobuf.WellKnownTypes;
using Lepton.Routing;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Candidate = Lepton.Routing.Balancing.Candidate;

namespace Lepton.Simulation.Tests;

/// <summary>What is asked of the nodes.</summary>
/// <param name="Realtime">Real-time requests, as a multiple of what all nodes together answer.</param>
/// <param name="Batch">Batch requests, likewise.</param>
/// <param name="Routers">Each gets the same share of both.</param>
internal sealed record Offered(double Realtime, double Batch, int Routers = 1)
{
    /// <summary>Nodes from the first on that turn slow.</summary>
    public int SlowNodes { get; init; }

    public double SlowFactor { get; init; } = 1;

    /// <summary>From when to when they are slow.</summary>
    public (double From, double To) Slow { get; init; }
}

/// <summary>What became of one class of requests, by the second in which they came.</summary>
internal sealed class ClassCount
{
    public List<(double At, int Router, double Seconds)> Answered { get; } = [];

    public List<(double At, int Router)> Failed { get; } = [];

    public double P99Milliseconds(double from = 0, double to = double.MaxValue)
    {
        double[] all = [.. Answered.Where(a => a.At >= from && a.At < to).Select(a => a.Seconds).Order()];
        return all.Length == 0 ? 0 : all[(int)(0.99 * all.Length)] * 1000;
    }

    public int FailedIn(double from, double to = double.MaxValue) => Failed.Count(f => f.At >= from && f.At < to);

    public double FailedShare => Failed.Count / (double)Math.Max(1, Failed.Count + Answered.Count);
}

/// <summary>
/// Routers with the product's registry, health, limits, strategy and waiting line, over simulated nodes. No retries:
/// what a node refuses is failed.
/// </summary>
internal sealed class OverloadWorld
{
    public const double WarmSeconds = 5, Seconds = 35;
    private const int Nodes = 12, QueueMax = 16;
    private const double TickSeconds = 0.25;

    private readonly HealthWorld[] _routers;
    private readonly WaitingLine[] _lines;
    private readonly CandidateView?[] _views;
    private readonly SimulatedNode[] _nodes;
    private readonly Random _random;
    private readonly Offered _offered;
    private readonly LimitOptions _limits;
    private readonly PriorityQueue<Action, (double, long)> _events = new();
    private double _now;
    private long _order;

    public OverloadWorld(Offered offered, RoutingOptions options, int seed)
    {
        (_offered, _limits, _random) = (offered, options.Limits, new Random(seed));
        _nodes = [.. Enumerable.Range(0, Nodes).Select(i => new SimulatedNode($"n{i:00}", i % 3 == 0 ? 4 : 2, QueueMax,
            0.02 + (0.03 * _random.NextDouble()), 0))];
        Capacity = _nodes.Sum(n => n.Slots / n.MeanServiceSeconds);
        _routers = [.. Enumerable.Range(0, offered.Routers).Select(r => new HealthWorld(options, (ulong)(seed + r)))];
        foreach (HealthWorld router in _routers)
            foreach (SimulatedNode node in _nodes)
                router.AddNode(node.Id, node.Slots);
        _lines = [.. _routers.Select(r => new WaitingLine(_limits.WaitMax, r.Time))];
        _views = new CandidateView?[offered.Routers];
    }

    /// <summary>Requests a second that all nodes together answer when they are well.</summary>
    public double Capacity { get; }

    public ClassCount Realtime { get; } = new();

    public ClassCount Batch { get; } = new();

    /// <summary>The most requests that were at a slow node, once it had been slow for 2 s.</summary>
    public int MostAtSlowNode { get; private set; }

    /// <summary>Answers a second, of both classes, over what the nodes can.</summary>
    public double Goodput => (Realtime.Answered.Count + Batch.Answered.Count) / (Seconds - WarmSeconds) / Capacity;

    public int LeftUnderWay => _routers.Sum(r => r.Nodes.Nodes().Sum(n => n.Outstanding)) + _lines.Sum(l => l.Count);

    public OverloadWorld Run()
    {
        Tick(0);
        Arrive(0, Priority.Realtime, _offered.Realtime * Capacity);
        Arrive(0, Priority.Batch, _offered.Batch * Capacity);
        At(_offered.Slow.From, () => SetSpeed(_offered.SlowFactor));
        At(_offered.Slow.To, () => SetSpeed(1 / _offered.SlowFactor));
        while (_events.TryDequeue(out Action? action, out (double Time, long) at))
        {
            _now = at.Time;
            action();
        }
        return this;
    }

    private void SetSpeed(double factor)
    {
        for (int i = 0; i < _offered.SlowNodes; i++)
            _nodes[i].MeanServiceSeconds *= factor;
    }

    private void At(double time, Action action) => _events.Enqueue(action, (time, _order++));

    private void Tick(double time) => At(time, () =>
    {
        for (int r = 0; r < _routers.Length; r++)
        {
            foreach (SimulatedNode node in _nodes)
                Report(node, _routers[r].ReportOf(node.Id).Models[0]);
            _routers[r].Pass(TickSeconds);
            _views[r] = null;
            _lines[r].Serve();
        }
        if (_now > _offered.Slow.From + 2 && _now < _offered.Slow.To)
            for (int i = 0; i < _offered.SlowNodes; i++)
                MostAtSlowNode = Math.Max(MostAtSlowNode, _nodes[i].Busy + _nodes[i].Queued);
        if (_now < Seconds)
            Tick(_now + TickSeconds);
    });

    private static void Report(SimulatedNode node, ModelReport report)
    {
        report.Completed = (ulong)node.Completed;
        (report.Queued, report.InFlight) = ((uint)node.Queued, (uint)node.Busy);
        report.ServiceTime = TimeSpan.FromSeconds(node.AverageServiceSeconds).ToDuration();
    }

    private void Arrive(double time, Priority priority, double perSecond)
    {
        if (time < Seconds && perSecond > 0)
            At(time, () =>
            {
                Ask(_random.Next(_routers.Length), priority);
                Arrive(_now - (Math.Log(1 - _random.NextDouble()) / perSecond), priority, perSecond);
            });
    }

    // As ForwardLoop and PlaceQueue do it, on simulated time.
    private void Ask(int r, Priority priority)
    {
        double came = _now;
        double size = Size();
        bool Take() => TrySend(r, priority, came, size);
        WaitingLine line = _lines[r];
        if (!line.IsBefore(priority) && Take())
            return;
        if (line.Count >= _limits.WaitCountMax * _limits.ShareOf(priority))
        {
            Count(priority).Failed.Add((came, r));
            return;
        }
        TimeSpan patience = line.Patience;
        Waiter waiter = line.Join(Take, priority);
        At(_now + patience.TotalSeconds, () =>
        {
            if (line.Leave(waiter))
                Fail();
        });

        void Fail()
        {
            if (came >= WarmSeconds)
                Count(priority).Failed.Add((came, r));
        }
    }

    private bool TrySend(int r, Priority priority, double came, double size)
    {
        PickContext context = new(new Chance((ulong)_random.NextInt64()), (long)_now)
        {
            LimitShare = _limits.ShareOf(priority),
        };
        CandidateView view = _views[r] ??= _routers[r].Find();
        if (Balancer.Pick(view, StrategyCatalogue.Default, ref context, book: true, out CandidateView from)
            is not { } picked)
            return false;
        Reservation reservation = new(picked.Lane, from.IsTrial);
        int ahead = picked.Lane.Outstanding - 1;
        double sent = _now;
        SimulatedNode node = _nodes.Single(n => n.Id == picked.Node);
        bool taken = node.Offer(size, _now, service => At(_now + service, () =>
        {
            node.Finish(service);
            double elapsed = _now - sent;
            picked.Lane.Learn(ServiceEstimate.Seconds(elapsed, picked, ahead), _routers[r].Time.GetTimestamp());
            picked.Lane.Answered(elapsed, picked.QueuesAt(ahead), picked.SaidLatencySeconds);
            if (came >= WarmSeconds)
                Count(priority).Answered.Add((came, r, _now - came));
            reservation.End(Outcome.Good);
            _lines[r].Serve();
        }));
        if (!taken)
        {
            if (came >= WarmSeconds)
                Count(priority).Failed.Add((came, r));
            reservation.End(Outcome.Overloaded);
        }
        return true;
    }

    private ClassCount Count(Priority priority) => priority == Priority.Realtime ? Realtime : Batch;

    // Log-normal, sigma 0.5, mean 1.
    private double Size()
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()))
            * Math.Cos(2 * Math.PI * _random.NextDouble());
        return Math.Exp((0.5 * normal) - 0.125);
    }
}
