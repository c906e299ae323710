using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using static Lepton.Routing.Tests.Balancing.StrategyTests;
using Lepton.Testing;

namespace Lepton.Routing.Tests.Balancing;

/// <summary>What every strategy of the catalogue keeps to, whoever adds one.</summary>
public sealed class StrategyContractTests
{
    public static TheoryData<string> Names => [.. StrategyCatalogue.ByName.Keys.Order(StringComparer.Ordinal)];

    private static Selection Select(
        IBalancingStrategy strategy, CandidateView view, ulong seed, ReadOnlySpan<Lane> attempted = default)
    {
        PickContext context = new(new Chance(seed), unixSeconds: 7 + (long)seed)
        {
            Turn = 7 + (long)seed, Attempted = attempted,
        };
        return strategy.Select(view, ref context);
    }

    // Idle, half full, full and overfull nodes of every speed, and two other regions.
    private static CandidateView MixedView(int nodes = 50) => View(
        [.. Enumerable.Range(0, nodes).Select(i => Node($"n{i}", 5 + i, load: i, outstanding: i % 14)),
        Node("x", 20, rttMs: 40, slots: 40, region: "x"), Node("y", 20, rttMs: 80, slots: 9, region: "y")]);

    [Theory]
    [MemberData(nameof(Names))]
    public void Name_OfTheCatalogue_IsTheStrategysOwn(string name) =>
        Assert.Equal(name, StrategyCatalogue.ByName[name].Name);

    [Theory]
    [MemberData(nameof(Names))]
    public void Select_EmptyView_IsNone(string name) =>
        Assert.Equal(Selection.None, Select(StrategyCatalogue.ByName[name], View(), 1));

    [Theory]
    [MemberData(nameof(Names))]
    public void Select_OneCandidate_IsThatOneHoweverFull(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        Assert.Equal(0, Select(strategy, View(Node("only")), 1).Index);
        Assert.Equal(0, Select(strategy, View(Node("full", slots: 1, queueMax: 0, outstanding: 9)), 1).Index);
        Assert.Equal(0, Select(strategy, View(Node("x", region: "there")), 1).Index);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Select_SameChanceTimeAndTurn_IsTheSameCandidateOfTheView(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        CandidateView view = MixedView(), equal = MixedView();
        for (ulong seed = 0; seed < 500; seed++)
        {
            Selection picked = Select(strategy, view, seed);
            Assert.InRange(picked.Index, 0, view.All.Candidates.Length - 1);
            Assert.True(view.All.Candidates[picked.Index].Lane.Outstanding < picked.ReserveBelow);
            Assert.Equal(picked, Select(strategy, view, seed));
            Assert.Equal(picked, Select(strategy, equal, seed));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Select_SomeOrAllAttempted_NeverTakesThoseAgain(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        CandidateView view = MixedView();
        Lane[] all = [.. view.All.Candidates.Select(c => c.Lane)];
        for (ulong seed = 0; seed < 50; seed++)
        {
            // As a request that dies everywhere goes: each place once, then nothing.
            List<Lane> attempted = [];
            while (Select(strategy, view, seed, attempted.ToArray()) is { Index: >= 0 } next)
            {
                Assert.DoesNotContain(all[next.Index], attempted);
                attempted.Add(all[next.Index]);
            }
            Assert.Equal(all.Length, attempted.Count);
            Assert.Equal(all.Length - 1, Select(strategy, view, seed, all.AsSpan(0, all.Length - 1)).Index);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_PlacesAtTheirLimits_ArePassedOverWhileAnotherHasRoom(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        CandidateView view = View([.. Enumerable.Range(0, 6).Select(i => Node($"n{i}", 5 + i, limit: 2))]);
        for (ulong seed = 0; seed < 12; seed++)
            Assert.NotNull(Pick(seed, 1, out bool full));
        Assert.All(view.All.Candidates, c => Assert.Equal(2, c.Lane.Outstanding));
        Assert.Null(Pick(12, 1, out bool allFull));
        Assert.True(allFull);

        view.All.Candidates[4].Lane.Release(Outcome.Good);
        Assert.Null(Pick(13, 0.5, out _)); // batch may use half of two
        Assert.Same(view.All.Candidates[4], Pick(14, 1, out _));

        Candidate? Pick(ulong seed, double share, out bool skipsFull)
        {
            PickContext context = new(new Chance(seed), (long)seed) { LimitShare = share };
            Candidate? picked = Balancer.Pick(view, strategy, ref context, book: true, out CandidateView _);
            skipsFull = context.SkipsFull;
            return picked;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_BookedOrAfterAFailure_AllocatesNothing(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        CandidateView view = MixedView(100);
        Lane[] attempted = [view.All.Candidates[3].Lane, view.All.Candidates[^1].Lane];
        ChanceSource chance = new(3);
        PickAndRelease(1000); // compiled and warm
        Assert.Equal(0, Allocations.Of(() => PickAndRelease(10_000)));

        void PickAndRelease(int times)
        {
            for (int i = 0; i < times; i++)
            {
                PickContext context = new(chance.Next(), i)
                {
                    Attempted = i % 2 == 0 ? default : attempted.AsSpan(),
                };
                Balancer.Pick(view, strategy, ref context, book: true, out _)!.Lane.Release(Outcome.Good);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_ManyThreads_EveryBookingIsCountedWhereItWasPickedAndGoneAfterwards(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        CandidateView view = View([.. Enumerable.Range(0, 10).Select(i => Node($"n{i}", 10 + i, queueMax: 100))]);
        ChanceSource chance = new(9);
        Candidate?[] picked = new Candidate?[400];
        ParallelOptions threads = new() { MaxDegreeOfParallelism = 16 };
        Parallel.For(0, picked.Length, threads, i =>
        {
            PickContext context = new(chance.Next(), i);
            Balancer.Pick(view, strategy, ref context, book: true, out _)!.Lane.Release(Outcome.Good);
            picked[i] = Balancer.Pick(view, strategy, ref context, book: true, out _);
        });
        Assert.All(view.All.Candidates, c => Assert.Equal(picked.Count(p => p == c), c.Lane.Outstanding));
        Assert.Equal(picked.Length, view.All.Candidates.Sum(c => c.Lane.Outstanding));
        Parallel.ForEach(picked, threads, c => c!.Lane.Release(Outcome.Good));
        Assert.All(view.All.Candidates, c => Assert.Equal(0, c.Lane.Outstanding));
    }
}
