using System.Collections.Frozen;
using Lepton.Routing.Balancing;

namespace Lepton.Simulation;

/// <summary>What a strategy did in all worlds of a comparison.</summary>
/// <param name="Requests">Sum over the worlds.</param>
/// <param name="Failed">Likewise.</param>
/// <param name="P50Milliseconds">Mean of the worlds' own.</param>
/// <param name="P99Milliseconds">Likewise.</param>
internal sealed record Score(long Requests, long Failed, double P50Milliseconds, double P99Milliseconds)
{
    public double FailedShare => Failed / (double)Requests;
}

/// <summary>Every strategy of the catalogue in the same worlds: same nodes, same requests.</summary>
internal sealed class Comparison
{
    public const string Default = "guarded";
    public const string Formula = "weighted";

    private readonly FrozenDictionary<string, Score> _scores;

    private Comparison(Scenario scenario, int routers, FrozenDictionary<string, Score> scores) =>
        (Scenario, Routers, _scores) = (scenario, routers, scores);

    public Scenario Scenario { get; }

    public int Routers { get; }

    public IEnumerable<string> Strategies => _scores.Keys.Order(StringComparer.Ordinal);

    public Score this[string strategy] => _scores[strategy];

    /// <summary>Runs worlds with seeds <paramref name="seed"/>, seed + 1000 and so on, on all processors.</summary>
    /// <exception cref="InvalidOperationException">A run left requests under way: the simulator is broken.</exception>
    public static Comparison Run(Scenario scenario, int routers, int seed, int worlds, params string[] strategies)
    {
        Dictionary<string, SimulatedRun[]> runs = strategies.ToDictionary(s => s, _ => new SimulatedRun[worlds]);
        Parallel.For(0, worlds * strategies.Length, i =>
        {
            (string strategy, int world) = (strategies[i % strategies.Length], i / strategies.Length);
            SimulatedRun run = new Simulator(
                scenario, routers, StrategyCatalogue.ByName[strategy], seed + (1000 * world)).Run();
            if (run.LeftUnderWay != 0)
                throw new InvalidOperationException($"{run.LeftUnderWay} requests never ended.");
            runs[strategy][world] = run;
        });
        return new Comparison(scenario, routers, runs.ToFrozenDictionary(r => r.Key, r => new Score(
            r.Value.Sum(w => (long)w.Requests), r.Value.Sum(w => (long)w.Failed),
            r.Value.Average(w => w.P50Milliseconds), r.Value.Average(w => w.P99Milliseconds))));
    }

    /// <summary>The default's 99th percentile over another strategy's.</summary>
    public double P99Over(string strategy) => this[Default].P99Milliseconds / this[strategy].P99Milliseconds;

    /// <summary>
    /// The default's share of failed requests over another strategy's; nothing failed in either: 1, a tie.
    /// </summary>
    public double FailedOver(string strategy) => this[Default].Failed == 0 && this[strategy].Failed == 0
        ? 1
        : this[Default].FailedShare / this[strategy].FailedShare;

    /// <summary>The other strategy with the lowest 99th percentile, whatever it fails.</summary>
    public string BestOther() => _scores.Keys.Where(s => s != Default).MinBy(s => this[s].P99Milliseconds)
        ?? throw new InvalidOperationException("Nothing to compare with.");
}
