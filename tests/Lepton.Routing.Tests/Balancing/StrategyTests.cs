using Lepton.Routing.Balancing;

namespace Lepton.Routing.Tests.Balancing;

public sealed class StrategyTests
{
    private static readonly Uri Url = new("https://localhost:1");

    internal static Candidate Node(string id, double latencyMs = 10, double load = 0, int slots = 4, int queueMax = 8,
        int outstanding = 0, double rttMs = 0, string region = "here")
    {
        Candidate candidate = new()
        {
            Node = region == "here" ? id : "", Region = region, Url = Url, Lane = new Lane(), Slots = slots,
            QueueMax = queueMax, RoundTripSeconds = rttMs / 1000, ServicePriorSeconds = latencyMs / 1000,
                LoadPercent = load,
        };
        for (int i = 0; i < outstanding; i++)
            candidate.Lane.TryReserve(int.MaxValue);
        return candidate;
    }

    internal static CandidateView View(params Candidate[] candidates) => new(
        [.. candidates.Where(c => !c.IsRegion)], [.. candidates.Where(c => c.IsRegion)], new Turn());

    private static int Select(IBalancingStrategy strategy, CandidateView view, ulong seed = 1, long second = 0,
        long turn = 0)
    {
        PickContext context = new(new Chance(seed), second) { Turn = turn };
        return strategy.Select(view, ref context).Index;
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
        List<string> picks = [];
        for (int i = 0; i < 7; i++)
        {
            PickContext context = new(new Chance(1), 0);
            picks.Add(Balancer.Pick(view, new RoundRobinStrategy(), ref context, book: true, out _)!.Node);
        }
        Assert.Equal(["a", "b", "c", "a", "b", "c", "a"], picks);
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
    public void Guarded_FullNodes_ArePassedOverWhileOthersAreFree()
    {
        CandidateView view = View(Node("full", 1, slots: 2, outstanding: 2), Node("b"), Node("c"));
        for (ulong seed = 0; seed < 500; seed++)
            Assert.NotEqual(0, Select(new GuardedStrategy(), view, seed));
    }

    [Fact]
    public void Guarded_NoFreeSlot_TakesShortQueues()
    {
        CandidateView view = View(Node("long", 1, slots: 1, queueMax: 4, outstanding: 3),
            Node("short", 9, slots: 1, queueMax: 4, outstanding: 2));
        for (ulong seed = 0; seed < 200; seed++)
            Assert.Equal(1, Select(new GuardedStrategy(), view, seed));
    }

    [Fact]
    public void Guarded_EverybodyFull_StillPicks() => Assert.InRange(Select(new GuardedStrategy(),
        View(Node("a", slots: 1, queueMax: 0, outstanding: 9), Node("b", slots: 1, queueMax: 0, outstanding: 9))), 0,
            1);

    [Fact]
    public void Guarded_OfTwo_TakesTheLowerScore()
    {
        // Two candidates: both are drawn, so the score alone decides. 10 ms × (1 + 3/4) = 17.5 against 20 ms idle.
        CandidateView view = View(Node("a", 10, outstanding: 3), Node("b", 20));
        for (ulong seed = 0; seed < 100; seed++)
            Assert.Equal(0, Select(new GuardedStrategy(), view, seed));
    }

    [Fact]
    public void Guarded_IdleNearAndIdleFar_StaysNear()
    {
        CandidateView view = View(Node("a", 40), Node("far", 10, rttMs: 80, slots: 100, region: "there"));
        for (ulong seed = 0; seed < 200; seed++)
            Assert.Equal(0, Select(new GuardedStrategy(), view, seed));
    }

    [Fact]
    public void Guarded_NearQueueLongerThanTheWay_GoesFar()
    {
        // Near: 100 ms × (1 + 3/2) = 250; far: 80 + 100 = 180.
        CandidateView view = View(Node("a", 100, slots: 2, queueMax: 8, outstanding: 3),
            Node("far", 100, rttMs: 80, slots: 10, region: "there"));
        Assert.Equal(1, Select(new GuardedStrategy(), view));
    }

    [Theory]
    [InlineData("guarded")]
    [InlineData("weighted")]
    [InlineData("time-modulo")]
    [InlineData("round-robin")]
    public void EveryStrategy_Contract_Holds(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        Assert.Equal(-1, Select(strategy, View()));
        Assert.Equal(0, Select(strategy, View(Node("only"))));
        Assert.Equal(0, Select(strategy, View(Node("x", region: "there"))));

        // The same view, draws, time and turn give the same pick.
        CandidateView view = View([.. Enumerable.Range(0, 50).Select(i => Node($"n{i}", 5 + i))]);
        for (ulong seed = 0; seed < 50; seed++)
            Assert.Equal(Select(strategy, view, seed, 7, 7), Select(strategy, view, seed, 7, 7));

        // Attempted places are never picked, and when all were there is no pick.
        Lane[] all = [.. view.All.Candidates.Select(c => c.Lane)];
        for (ulong seed = 0; seed < 50; seed++)
        {
            PickContext some = new(new Chance(seed), 3) { Attempted = all.AsSpan(0, 49), Turn = 3 };
            Assert.Equal(49, strategy.Select(view, ref some).Index);
            PickContext none = new(new Chance(seed), 3) { Attempted = all, Turn = 3 };
            Assert.Equal(-1, strategy.Select(view, ref none).Index);
        }
    }

    [Theory]
    [InlineData("guarded")]
    [InlineData("weighted")]
    [InlineData("time-modulo")]
    [InlineData("round-robin")]
    public void EveryStrategy_Pick_AllocatesNothing(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        CandidateView view = View(
            [.. Enumerable.Range(0, 100).Select(i => Node($"n{i}", 5 + i, outstanding: i % 10 == 0 ? 4 : 0)),
            Node("far", 50, rttMs: 0.001, region: "there")]);
        ChanceSource chance = new(3);
        PickAndRelease(1000); // compiled and warm
        long before = GC.GetAllocatedBytesForCurrentThread();
        PickAndRelease(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void PickAndRelease(int times)
        {
            for (int i = 0; i < times; i++)
            {
                PickContext context = new(chance.Next(), i);
                Balancer.Pick(view, strategy, ref context, book: true, out _)!.Lane.Release(failed: false);
            }
        }
    }

    [Fact]
    public void TryReserve_ManyThreads_NeverOverbook()
    {
        Lane lane = new();
        int booked = 0;
        Parallel.For(0, 10_000, _ =>
        {
            if (lane.TryReserve(7))
                Interlocked.Increment(ref booked);
        });
        Assert.Equal((7, 7), (booked, lane.Outstanding));
    }

    [Fact]
    public void Pick_ManyThreadsFreeSlotsLeft_FillsEverySlotOnce()
    {
        // The select-then-book race: 40 requests at once for 40 slots end on 40 slots.
        CandidateView view = View([.. Enumerable.Range(0, 10).Select(i => Node($"n{i}", 10 + i, queueMax: 100))]);
        ChanceSource chance = new(9);
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            PickContext context = new(chance.Next(), 0);
            Balancer.Pick(view, new GuardedStrategy(), ref context, book: true, out CandidateView _);
        });
        Assert.All(view.All.Candidates, c => Assert.Equal(4, c.Lane.Outstanding));
    }

    [Fact]
    public void Lane_FastFailures_TeachNothingAndOldLessonsAreForgotten()
    {
        Lane lane = new();
        lane.TryReserve(1);
        lane.Release(failed: true);
        Assert.Equal((0, 0.0), (lane.Outstanding, lane.ServiceSeconds));
        lane.Learn(0.5, timestamp: 100);
        lane.Learn(1.5, timestamp: 200);
        Assert.Equal(0.6, lane.ServiceSeconds, 9);
        lane.ForgetIfOlder(200);
        Assert.Equal(0.6, lane.ServiceSeconds, 9);
        lane.ForgetIfOlder(201);
        Assert.Equal(0, lane.ServiceSeconds);
    }

    [Fact]
    public void Reservation_EndedTwice_ReleasesOnce()
    {
        Lane lane = new();
        lane.TryReserve(1);
        Reservation reservation = new(lane);
        reservation.End(failed: false);
        reservation.Dispose();
        Assert.Equal((0, 1L, 0L), (lane.Outstanding, lane.Completed, lane.Failed));
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
