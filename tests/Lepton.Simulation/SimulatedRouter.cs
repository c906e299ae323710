using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Registry;

namespace Lepton.Simulation;

/// <summary>
/// A router as the product has it: its strategies, lanes and views; only nodes and time are simulated.
/// </summary>
internal sealed class SimulatedRouter
{
    // As the registry does it: what was learned longer ago is dropped.
    private const double LearnedSecondsMax = 10;

    // As nodes count their rate: nothing for so long is idle.
    private const double RateSeconds = 10;

    private readonly IReadOnlyList<SimulatedNode> _nodes;
    private readonly Lane[] _lanes;
    private readonly double[] _load;
    private readonly ServedModel[] _heard;
    private readonly long[] _answered;
    private readonly AnswerShare[] _shares;
    private readonly IBalancingStrategy _strategy;
    private readonly ChanceSource _chance;
    private readonly Turn _turn = new();
    private CandidateView _view;

    public SimulatedRouter(IReadOnlyList<SimulatedNode> nodes, IBalancingStrategy strategy, ulong seed)
    {
        (_nodes, _strategy, _chance) = (nodes, strategy, new ChanceSource(seed));
        _lanes = [.. nodes.Select(_ => new Lane())];
        _load = new double[nodes.Count];
        _answered = new long[nodes.Count];
        _shares = [.. nodes.Select(_ => new AnswerShare())];
        _heard = [.. nodes.Select((n, i) => Tell(n, _lanes[i]) with { Idle = true })];
        _view = Publish(0);
    }

    /// <summary>A report: as of now, and as old as that until the next.</summary>
    public void Hear(int node, double time)
    {
        SimulatedNode told = _nodes[node];
        _shares[node].Hear((ulong)told.Completed, _answered[node]);
        _load[node] = told.LoadPercent;
        _heard[node] = Tell(told, _lanes[node]) with { Idle = time - told.LastArrivalSeconds > RateSeconds };
    }

    /// <summary>A new snapshot of what was heard and learned.</summary>
    public CandidateView Publish(double time)
    {
        foreach (Lane lane in _lanes)
            lane.ForgetIfOlder(ToTimestamp(time - LearnedSecondsMax));
        double crowd = AnswerShare.Crowd(_shares.Sum(s => s.All), _shares.Sum(s => s.Own));
        ServicePrior prior = ServicePrior.Of(_heard, []);
        return _view = new CandidateView(
            [.. _nodes.Select((node, i) => ToCandidate(node, i, crowd, prior.For(_heard[i])))], [], _turn);
    }

    /// <summary>The picked node, booked; its lane knows this request already.</summary>
    public (int Node, Candidate Candidate) Pick(double time)
    {
        PickContext context = new(_chance.Next(), (long)time);
        Candidate picked = Balancer.Pick(_view, _strategy, ref context, book: true, out _)
            ?? throw new InvalidOperationException("every node is a candidate");
        return (Array.IndexOf(_lanes, picked.Lane), picked);
    }

    public int Outstanding(int node) => _lanes[node].Outstanding;

    public static void Fail(Candidate picked) => picked.Lane.Release(Outcome.Overloaded);

    /// <summary>An answer: teaches what a router can see of the service time from outside.</summary>
    public void End(Candidate picked, double elapsedSeconds, int ahead, double time)
    {
        picked.Lane.Release(Outcome.Good);
        _answered[Array.IndexOf(_lanes, picked.Lane)]++;
        picked.Lane.Learn(ServiceEstimate.Seconds(elapsedSeconds, picked, ahead), ToTimestamp(time));
    }

    private Candidate ToCandidate(SimulatedNode node, int i, double crowd, double priorSeconds) => new()
    {
        Node = node.Id,
        Region = "here",
        Url = new Uri("https://localhost"),
        Lane = _lanes[i],
        Slots = node.Slots,
        QueueMax = node.QueueMax,
        Crowd = crowd,
        RoundTripSeconds = node.RoundTripSeconds,
        ServicePriorSeconds = priorSeconds,
        LoadPercent = _load[i],
    };

    private static ServedModel Tell(SimulatedNode node, Lane lane) => new("model", "1", Ready: true, node.Slots,
        node.QueueMax, node.Queued, node.Busy, node.AverageServiceSeconds, "cpu", lane);

    private static long ToTimestamp(double seconds) => (long)(seconds * 1e6);
}
