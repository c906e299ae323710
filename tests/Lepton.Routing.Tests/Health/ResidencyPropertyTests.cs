using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Xunit.Abstractions;
using Candidate = Lepton.Routing.Balancing.Candidate;

namespace Lepton.Routing.Tests.Health;

/// <summary>
/// Whatever the places' health and the rules for it: no pick falls outside the allowed regions, on a node that is out,
/// starting or draining, or twice on one place; and where an allowed one is there, somebody is picked.
/// </summary>
public sealed class ResidencyPropertyTests(ITestOutputHelper output)
{
    private static readonly Outcome[] Ends = Enum.GetValues<Outcome>();
    private static readonly NodeState[] States =
        [NodeState.Serving, NodeState.Serving, NodeState.Serving, NodeState.Starting, NodeState.Draining];

    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("LEPTON_SEED"), out int given)
        ? given
        : Random.Shared.Next(1_000_000);

    [Fact]
    public void Pick_RandomHealthAndRules_StaysAllowed()
    {
        string replay = $"LEPTON_SEED={_seed} dotnet test tests/Lepton.Routing.Tests -c Release";
        output.WriteLine(replay);
        int panics = 0, trials = 0, lastResorts = 0;
        for (int world = 0; world < 150; world++)
            Try(new Random(_seed + world), ref panics, ref trials, ref lastResorts, $"world {world}; replay: {replay}");
        output.WriteLine($"{panics} picks in panic, {trials} trials, {lastResorts} last resorts");
        Assert.True(panics > 100 && trials > 10 && lastResorts > 100, "the worlds must reach what they are to test");
    }

    private static void Try(Random random, ref int panics, ref int trials, ref int lastResorts, string replay)
    {
        RoutingOptions options = new()
        {
            Ejection = { ShareMax = random.Next(101), PanicThreshold = random.Next(101) },
            Circuit = { Failures = random.Next(1, 4) },
        };
        HealthWorld world = new(options, (ulong)random.Next());
        string[] nodes = [.. Enumerable.Range(0, random.Next(7)).Select(i => $"n{i}")];
        foreach (string node in nodes)
            world.AddNode(node, random.Next(1, 5), States[random.Next(States.Length)]);
        foreach (string region in (string[])["us-east", "ap-south"])
            if (random.Next(3) > 0)
                world.AddRegion(region, "ocr");
        for (int step = 0; step < 30; step++)
        {
            Disturb(world, random, nodes);
            string[] allowed = [.. HealthWorld.AllRegions.Where(_ => random.Next(2) == 0).DefaultIfEmpty("eu-west")];
            IBalancingStrategy strategy = StrategyCatalogue.ByName.Values[random.Next(StrategyCatalogue.ByName.Count)];
            CandidateView view = world.Find("ocr", allowed);
            List<Lane> attempted = [];
            while (PickNext(view, strategy, random, attempted, out CandidateView from) is { } picked)
            {
                Assert.True(allowed.Contains(picked.Region),
                    $"{picked.Region} not in {string.Join(',', allowed)}; {replay}");
                if (!picked.IsRegion)
                    Assert.True(world.Nodes.Nodes().Single(n => n.Id == picked.Node).MayServe,
                        $"{picked.Node}; {replay}");
                Assert.False(attempted.Contains(picked.Lane), replay);
                attempted.Add(picked.Lane);
                picked.Lane.Release(Ends[random.Next(Ends.Length)], from.IsTrial);
                panics += from.Panic ? 1 : 0;
                trials += from.IsTrial ? 1 : 0;
                lastResorts += ReferenceEquals(from, view.LastResort) ? 1 : 0;
            }
            // Every allowed place that may serve was reached in the end: health refuses nobody for good.
            int may = world.Nodes.Nodes().Count(n => n.MayServe && allowed.Contains("eu-west"))
                + world.Regions.Regions().Count(r => r.Live && allowed.Contains(r.Name));
            Assert.True(may == attempted.Count, $"{attempted.Count} of {may} places reached; {replay}");
        }
    }

    private static Candidate? PickNext(
        CandidateView view, IBalancingStrategy strategy, Random random, List<Lane> attempted, out CandidateView from)
    {
        PickContext context = new(new Chance((ulong)random.NextInt64()), random.Next())
        {
            Attempted = attempted.ToArray(),
        };
        return Balancer.Pick(view, strategy, ref context, book: true, out from);
    }

    private static void Disturb(HealthWorld world, Random random, string[] nodes)
    {
        // A node that has long been silent is forgotten: no request ends there any more.
        HashSet<string> known = [.. world.Nodes.Nodes().Select(n => n.Id)];
        foreach (string node in nodes.Where(known.Contains))
            if (random.Next(2) == 0)
                world.End(node, Ends[random.Next(Ends.Length)], random.Next(1, 8));
        switch (random.Next(6))
        {
            case 0 when nodes.Length > 0:
                world.Silence(nodes[random.Next(nodes.Length)]);
                break;
            case 1:
                world.Connect("us-east", random.Next(2) == 0);
                break;
            case 2:
                world.Time.Advance(TimeSpan.FromSeconds(random.Next(100)));
                world.Tick();
                break;
            default:
                world.Pass(random.Next(1, 40) * 0.25);
                break;
        }
    }
}
