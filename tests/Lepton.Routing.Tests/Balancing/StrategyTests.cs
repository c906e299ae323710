using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.Balancing;

public sealed class StrategyTests
{
    private static readonly Uri Url = new("https://localhost:1");

    internal static Candidate Node(string id, double latencyMs = 10, double load = 0, int slots = 4, int queueMax = 8,
        int outstanding = 0, double rttMs = 0, string region = "here", double crowd = 1, int limit = 0)
    {
        Candidate candidate = new()
        {
            Node = region == "here" ? id : "", Region = region, Url = Url, Slots = slots,
            Lane = limit == 0 ? new Lane() : new Lane(limit: Limit(limit)),
            QueueMax = queueMax, Crowd = crowd, RoundTripSeconds = rttMs / 1000, ServicePriorSeconds = latencyMs / 1000,
                LoadPercent = load,
        };
        for (int i = 0; i < outstanding; i++)
            candidate.Lane.TryReserve(int.MaxValue);
        return candidate;
    }

    private static PlaceLimit Limit(int max) => new(new LimitOptions { PlaceMax = max }, TimeProvider.System,
        new PauseWatch(Options.Create(new RoutingOptions()), TimeProvider.System));

    internal static CandidateView View(params Candidate[] candidates) => new(
        [.. candidates.Where(c => !c.IsRegion)], [.. candidates.Where(c => c.IsRegion)], new Turn());

    internal static int Select(IBalancingStrategy strategy, CandidateView view, ulong seed = 1, long second = 0,
        long turn = 0)
    {
        PickContext context = new(new Chance(seed), second) { Turn = turn };
        return strategy.Select(view, ref context).Index;
    }

    internal static List<string> Book(IBalancingStrategy strategy, CandidateView view, int times)
    {
        List<string> picks = [];
        for (int i = 0; i < times; i++)
        {
            PickContext context = new(new Chance((ulong)i), 0);
            picks.Add(Balancer.Pick(view, strategy, ref context, book: true, out _)!.Node);
        }
        return picks;
    }

    [Theory] // R2: weight = 1 / (latency × (1 + load / 100))
    [InlineData(10, 0, 0.1)]
    [InlineData(10, 100, 0.05)]
    [InlineData(50, 60, 0.0125)]
    [InlineData(20, 25, 0.04)]
    public void FormulaWeight_WorkedExamples_AreExact(double latencyMs, double load, double weight)
    {
        Assert.Equal(weight, Formula.Weight(latencyMs, load), 12);
        Assert.Equal(weight, Node("a", latencyMs, load).FormulaWeight, 12);
    }

    [Theory] // R3: at t = 5 with N = 3 the index is 2
    [InlineData(5, 3, 2)]
    [InlineData(6, 3, 0)]
    [InlineData(1_700_000_000, 7, 1_700_000_000 % 7)]
    public void TimeModulo_WorkedExamples_AreExact(long second, int servers, int index)
    {
        CandidateView view = View([.. Enumerable.Range(0, servers).Select(i => Node($"n{i}"))]);
        Assert.Equal(index, Formula.TimeModulo(second, servers));
        Assert.Equal(index, Select(new TimeModuloStrategy(), view, second: second));
    }

    [Fact]
    public void RoundRobin_Turns_GoRound()
    {
        CandidateView view = View(Node("a"), Node("b"), Node("c"));
        Assert.Equal(["a", "b", "c", "a", "b", "c", "a"], Book(new RoundRobinStrategy(), view, 7));
    }

    [Fact]
    public void Weighted_ManyDraws_FollowTheFormula()
    {
        const ulong seed = 20261122;
        CandidateView view = View(Node("a", 10, 0), Node("b", 20, 25), Node("c", 50, 60), Node("d", 5, 90),
            Node("far", 80, 10, region: "there"));
        double[] weights = [.. view.All.Candidates.Select(c => c.FormulaWeight)];
        int[] counts = new int[weights.Length];
        const int draws = 200_000;
        ChanceSource chance = new(seed);
        for (int i = 0; i < draws; i++)
        {
            PickContext context = new(chance.Next(), 0);
            counts[new WeightedStrategy().Select(view, ref context).Index]++;
        }
        double chiSquare = counts.Select((n, i) =>
        {
            double expected = draws * weights[i] / weights.Sum();
            return (n - expected) * (n - expected) / expected;
        }).Sum();
        // Four degrees of freedom, p = 0.001: 18.47.
        Assert.True(chiSquare < 18.47, $"chi-square {chiSquare:F2} with seed {seed}");
    }

    [Fact]
    public void ShortestLatency_FreeSlots_TakesTheShortestThenTheNext()
    {
        // 30 ms there and 5 ms of work are longer than 20 ms here; the quickest is full.
        CandidateView view = View(Node("full", 1, slots: 2, outstanding: 2), Node("next", 20, slots: 1),
            Node("slow", 40), Node("far", 5, rttMs: 30, region: "there"));
        Assert.Equal(["next", "", "", "", "", "slow"], Book(new ShortestLatencyStrategy(), view, 6));
    }

    [Fact]
    public void ShortestLatency_NoFreeSlot_TakesShortQueuesThenAny()
    {
        CandidateView view = View(Node("long", 1, slots: 1, queueMax: 2, outstanding: 2),
            Node("short", 9, slots: 1, queueMax: 2, outstanding: 1));
        Assert.Equal(["short", "long"], Book(new ShortestLatencyStrategy(), view, 2));
    }

    [Fact]
    public void ShortestLatency_Equals_ShareByWhatIsUnderWay() => Assert.Equal(["b", "b", "a", "b"],
        Book(new ShortestLatencyStrategy(), View(Node("a", slots: 2), Node("b", slots: 4)), 5).Skip(1));

    [Fact]
    public void Random_ManyDraws_AreEvenWithAndWithoutAttemptedPlaces()
    {
        const ulong seed = 20261122;
        const int draws = 100_000;
        CandidateView view = View(Node("a", 1), Node("b", 500, load: 90), Node("c", outstanding: 4), Node("d"));
        foreach (int attempted in (int[])[0, 1])
        {
            Lane[] tried = [.. view.All.Candidates.Take(attempted).Select(c => c.Lane)];
            int[] counts = new int[4];
            ChanceSource chance = new(seed);
            for (int i = 0; i < draws; i++)
            {
                PickContext context = new(chance.Next(), 0) { Attempted = tried };
                counts[new RandomStrategy().Select(view, ref context).Index]++;
            }
            double expected = draws / (4.0 - attempted);
            double chiSquare = counts.Skip(attempted).Sum(n => (n - expected) * (n - expected) / expected);
            // Three degrees of freedom, p = 0.001: 16.27; two: 13.82.
            Assert.True(chiSquare < 13.82, $"chi-square {chiSquare:F2}, {attempted} attempted, seed {seed}");
        }
    }

    [Fact]
    public void LeastOutstanding_Bookings_FillEverySlotEvenlyOwnNodesFirst()
    {
        CandidateView view = View(Node("a", slots: 1), Node("b", slots: 2), Node("far", slots: 1, region: "there"));
        Assert.Equal(["a", "b"], Book(new LeastOutstandingStrategy(), view, 2).Order()); // idle own ones
        Assert.Equal([""], Book(new LeastOutstandingStrategy(), view, 1));               // the only idle one
        Assert.Equal(["b"], Book(new LeastOutstandingStrategy(), view, 1));              // half used
        Assert.Equal(["", "a", "b", "b"], [.. Book(new LeastOutstandingStrategy(), view, 4).Order()]);
    }

    [Fact]
    public void LeastOutstanding_BookedMeanwhile_PicksAgain()
    {
        CandidateView view = View(Node("a", slots: 4));
        PickContext context = new(new Chance(1), 0);
        Selection seen = new LeastOutstandingStrategy().Select(view, ref context);
        Lane lane = view.All.Candidates[seen.Index].Lane;
        Assert.True(lane.TryReserve(seen.ReserveBelow));
        Assert.False(lane.TryReserve(seen.ReserveBelow));
    }

    [Fact]
    public void PowerOfTwo_OfTwo_TakesTheOneWithFewerPerSlot()
    {
        CandidateView view = View(Node("a", 1, slots: 2, outstanding: 2), Node("b", 99, slots: 8, outstanding: 3));
        for (ulong seed = 0; seed < 100; seed++)
            Assert.Equal(1, Select(new PowerOfTwoStrategy(), view, seed));
    }

    [Fact]
    public void PeakEwma_OneSlowAnswer_IsRememberedWhereTheMeanForgets()
    {
        Candidate slow = Node("slow"), steady = Node("steady");
        double[] lessons = [0.01, 0.2, .. Enumerable.Repeat(0.01, 5)];
        foreach (double seconds in lessons)
        {
            slow.Lane.Learn(seconds, timestamp: 1);
            steady.Lane.Learn(0.03, timestamp: 1);
        }
        Assert.True(slow.ServiceSeconds < steady.ServiceSeconds && slow.PeakServiceSeconds > 0.1);
        CandidateView view = View(slow, steady);
        for (ulong seed = 0; seed < 100; seed++)
            Assert.Equal(1, Select(new PeakEwmaStrategy(), view, seed));
        slow.Lane.ForgetIfOlder(2);
        Assert.Equal(0, Select(new PeakEwmaStrategy(), view)); // forgiven: its reported 10 ms
    }

    [Fact]
    public void PeakEwma_QuickButBusy_GivesWay()
    {
        // (0 + 10 ms) × (1 + 12 / 4) = 40 against 20 + 10 idle.
        CandidateView view = View(Node("a", 10, outstanding: 12), Node("b", 10, rttMs: 20));
        for (ulong seed = 0; seed < 100; seed++)
            Assert.Equal(1, Select(new PeakEwmaStrategy(), view, seed));
    }

    [Fact]
    public void Pick_ManyThreadsFreeSlotsLeft_FillsEverySlotOnce()
    {
        // The select-then-book race: 40 requests at once for 40 slots of equal nodes end on 40 slots.
        CandidateView view = View([.. Enumerable.Range(0, 10).Select(i => Node($"n{i}", 10, queueMax: 100))]);
        ChanceSource chance = new(9);
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            PickContext context = new(chance.Next(), 0);
            Balancer.Pick(view, new GuardedStrategy(), ref context, book: true, out CandidateView _);
        });
        Assert.All(view.All.Candidates, c => Assert.Equal(4, c.Lane.Outstanding));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(37)]
    [InlineData(1000)]
    public void AliasTable_EveryShare_IsExact(int n)
    {
        Random random = new(n);
        double[] weights = [.. Enumerable.Range(0, n).Select(i => i % 7 == 3 ? 0 : random.NextDouble())];
        AliasTable table = AliasTable.Build(weights);
        // A grid of draws over [0, 1) meets every cell evenly: shares come out to the grid's resolution.
        const int perCell = 2000;
        double[] shares = new double[n];
        for (int i = 0; i < n * perCell; i++)
            shares[table.Find((i + 0.5) / ((double)n * perCell))] += 1.0 / (n * (double)perCell);
        for (int i = 0; i < n; i++)
            Assert.Equal(weights[i] / weights.Sum(), shares[i], 3.0 / perCell / Math.Sqrt(n) + (1.0 / n / 100));
    }
}
