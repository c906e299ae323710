using System.Globalization;
using Lepton.Compliance.Client;

namespace Lepton.Benchmarks.Failover;

/// <summary>
/// kill -9 under load on a real platform: a serving node, a zone, a router, a region. Counted are calls that failed
/// although a node and a gateway that may serve them live, and calls that were served where their class may not be,
/// which only the nodes can tell.
/// </summary>
internal static class FailoverBench
{
    private const string Victim = "eu-west";
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(3);

    /// <summary>Name, what is killed, and whether the victim's region is gone for a while.</summary>
    private static readonly (string Name, Func<string, string[]> Kills, bool WholeRegion)[] Scenarios =
    [
        ("node", serving => [serving], false),
        ("zone", _ => Zone("b"), false),
        ("router", _ => [$"routing-{Victim}"], false),
        ("region", _ => [.. Zone("a"), .. Zone("b")], true),
    ];

    /// <param name="args">
    /// Optional: the base port (default 11000), seconds of load after a kill (default 8), one scenario (default all).
    /// </param>
    public static int Run(string[] args) => RunAsync(
        args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 11_000,
        TimeSpan.FromSeconds(args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 8),
        args.Length > 2 ? args[2] : "").GetAwaiter().GetResult();

    private static async Task<int> RunAsync(int basePort, TimeSpan after, string only)
    {
        await using BenchPlatform platform = new(Bench.Home(), basePort);
        await platform.StartAsync();
        ResidencyPolicy policy = ResidencyPolicy.Load(platform.PolicyFile, BenchPlatform.Regions);
        foreach (ClassLoad load in Loads(platform, policy, basePort)) // first calls wait for the compiler
        {
            await Task.Delay(Calm);
            await load.DisposeAsync();
        }
        Console.WriteLine($"{"scenario",-10}{"class",-18}{"calls",8}{"failed",8}{"leaked",8}{"counted",9}"
            + $"{"refused",9}{"slowest ms",12}");
        List<Result> results = [];
        foreach (var scenario in Scenarios.Where(s => only.Length == 0 || s.Name == only))
            results.AddRange(await RunAsync(platform, policy, basePort, scenario, after));
        int failed = results.Sum(r => r.Failed);
        long leaked = results.Sum(r => r.Leaked);
        IEnumerable<string> each = results.GroupBy(r => r.Scenario).Select(s =>
            $"\"{s.Key}_failed_calls\":{s.Sum(r => r.Failed)},\"{s.Key}_leaked_calls\":{s.Sum(r => r.Leaked)}");
        IEnumerable<string> total =
        [
            $"\"failed_calls\":{failed}", $"\"leaked_calls\":{leaked}", $"\"calls\":{results.Sum(r => r.Calls)}",
        ];
        Console.WriteLine("{\"bench\":\"failover\",\"ratios\":{" + string.Join(',', total.Concat(each)) + "}}");
        return failed == 0 && leaked == 0 ? 0 : 1;
    }

    private static async Task<List<Result>> RunAsync(BenchPlatform platform, ResidencyPolicy policy, int basePort,
        (string Name, Func<string, string[]> Kills, bool WholeRegion) scenario, TimeSpan after)
    {
        NodeCounts before = await NodeCounts.ReadAsync(platform);
        TimeSpan killed = default;
        ClassLoad[] loads = Loads(platform, policy, basePort);
        try
        {
            await Task.Delay(Calm);
            int calm = loads.Sum(l => l.Failed);
            string[] victims = scenario.Kills(loads[0].LastNode);
            await platform.KillAsync(victims);
            killed = loads[0].Elapsed;
            await Task.Delay(after);
            await platform.StartAgainAsync(victims); // coming back must not cost a call either
            await Task.Delay(Calm);
            if (calm > 0)
                Console.WriteLine($"  ({calm} calls failed before anything was killed)");
        }
        finally
        {
            foreach (ClassLoad load in loads)
                await load.DisposeAsync();
        }
        NodeCounts then = await NodeCounts.ReadAsync(platform);
        return
        [
            .. loads.Select(load =>
                Judge(platform, scenario.Name, scenario.WholeRegion, load, before, then, killed)),
        ];
    }

    private static ClassLoad[] Loads(BenchPlatform platform, ResidencyPolicy policy, int basePort) =>
        [.. ((string[])["eu-personal", "atlantic-finance", "public"]).Select(
            dataClass => Load(platform, policy, basePort, dataClass))];

    private static ClassLoad Load(BenchPlatform platform, ResidencyPolicy policy, int basePort, string dataClass)
    {
        if (policy.Decide("demo", "language-id", dataClass) is not ResidencyVerdict.Known { Class: var known })
            throw new InvalidOperationException($"The policy does not know {dataClass}.");
        // A killed node's count dies with it: every node that could leak must be one that lives.
        if (!known.Allows(Victim))
            throw new InvalidOperationException($"{dataClass} may not be in {Victim}, whose nodes are killed.");
        string[] regions = [.. BenchPlatform.Regions.Where(known.Allows).OrderBy(r => r == Victim ? 0 : 1)];
        Uri[] gateways =
        [
            .. regions.SelectMany(region => BenchPlatform.Gateways(basePort, region))
                .Select(port => new Uri($"https://127.0.0.1:{port}")),
        ];
        return new ClassLoad(dataClass, regions, gateways, platform.TenantHandler());
    }

    private static Result Judge(BenchPlatform platform, string scenario, bool wholeRegion, ClassLoad load,
        NodeCounts before, NodeCounts then, TimeSpan killed)
    {
        long leaked = then.Since(before, platform.Nodes.Where(n => !load.Regions.Contains(n.Region)), load.DataClass);
        long counted = then.Since(before, platform.Nodes.Where(n => load.Regions.Contains(n.Region)), load.DataClass);
        if (counted == 0)
            throw new InvalidOperationException($"No node counted a call of {load.DataClass}: the count is broken.");
        // While the only region that may serve it is gone, a call must be refused: that is no failure but the point.
        bool mustRefuse = wholeRegion && load.Regions is [Victim];
        int failed = mustRefuse ? 0 : load.Failed, refused = mustRefuse ? load.Failed : 0;
        Console.WriteLine($"{scenario,-10}{load.DataClass,-18}{load.Calls,8}{failed,8}{leaked,8}{counted,9}"
            + $"{refused,9}{load.Slowest.TotalMilliseconds,12:0}");
        foreach (var (how, (times, first, last)) in load.Failures)
            Console.WriteLine(
                $"  {times} times, {Seconds(first - killed)} to {Seconds(last - killed)} after the kill: {how}");
        return new Result(scenario, load.Calls, failed, leaked);
    }

    private static string Seconds(TimeSpan span) =>
        span.TotalSeconds.ToString("0.0 s", CultureInfo.InvariantCulture);

    private static string[] Zone(string zone) =>
    [
        $"inference-{Victim}-{zone}", $"routing-{Victim}{(zone == "a" ? "" : "-b")}", $"postgres-{Victim}-{zone}",
    ];

    private sealed record Result(string Scenario, int Calls, int Failed, long Leaked);
}
