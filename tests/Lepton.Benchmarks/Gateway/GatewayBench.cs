using System.Globalization;
using System.Text.Json;

namespace Lepton.Benchmarks.Gateway;

/// <summary>The gateway beside HAProxy, nginx and no proxy at all; README.md here says how.</summary>
internal static class GatewayBench
{
    private const int DefaultRounds = 3;
    // Warming up takes 90 s at most, a round of all scenarios about 70 s.
    private static readonly TimeSpan WarmUpLimit = TimeSpan.FromMinutes(3), RoundLimit = TimeSpan.FromMinutes(2);

    private static readonly Scenario[] All =
    [
        new("h2c_1", 1, Load.Identical), new("h2c_16", 16, Load.Identical), new("h2c_64", 64, Load.Identical),
        new("tls_64", 64, Load.IdenticalTls), new("varied_64", 64, Load.Varied), new("half_load", 64, Load.HalfOpen),
    ];

    /// <param name="args">Optional: rounds, default 3; then scenarios by name, default all.</param>
    public static int Run(string[] args) => RunAsync(
        args is [var rounds, ..] ? int.Parse(rounds, CultureInfo.InvariantCulture) : DefaultRounds, Named(args))
        .GetAwaiter().GetResult();

    private static Scenario[] Named(string[] args) => args.Length <= 1 ? All
        : [.. args.Skip(1).Select(name => All.SingleOrDefault(s => s.Name == name)
            ?? throw new ArgumentException(
                $"No scenario {name}; there are {string.Join(", ", All.Select(s => s.Name))}."))];

    private static async Task<int> RunAsync(int rounds, Scenario[] scenarios)
    {
        PeerTools tools = PeerTools.Get(Path.Combine(LeptonHome(), "tools"));
        using CancellationTokenSource limit = new(WarmUpLimit + (rounds * RoundLimit));
        Console.CancelKeyPress += (_, key) =>
        {
            key.Cancel = true; // the processes are ended on the way out
            limit.Cancel();
        };
        await using Proxies proxies = await Proxies.StartAsync(tools, limit.Token);
        Measurement measurement = new(proxies);
        Results results = new();
        Console.WriteLine($"gateway: 1 kB unary gRPC; {rounds} rounds, every target in turn; {tools.Versions}");
        Console.WriteLine(proxies.Cores.ToString());
        await measurement.WarmUpAsync(scenarios, limit.Token);
        for (int round = 0; round < rounds; round++)
        {
            foreach (Scenario scenario in scenarios)
                foreach (Target target in proxies.Targets)
                    if (scenario.Load != Load.IdenticalTls || target.Tls != 0)
                        results.Add(scenario, target, await measurement.RunAsync(scenario, target, limit.Token));
        }
        foreach (Scenario scenario in scenarios)
            Print(scenario, proxies.Targets, results);
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "gateway", ratios = results.Ratios(scenarios) }));
        return 0;
    }

    private static void Print(Scenario scenario, IEnumerable<Target> targets, Results results)
    {
        Console.WriteLine($"{scenario.Name,-10}{"req/s",10}{"x haproxy",11}{"CPU us",9}{"with node",11}{"B",8}"
            + $"{"p50 us",9}{"p99 us",9}");
        foreach (Target target in targets)
        {
            if (results.Median(scenario, target.Name, s => s.PerSecond) is not { } rate)
                continue;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {target.Name,-8}{rate,10:F0}")
                + Cell(results.Ratio(scenario, target.Name, "haproxy", s => s.PerSecond), 11, "F2")
                + Cell(results.Median(scenario, target.Name, s => s.CpuMicroseconds), 9, "F1")
                + Cell(results.Median(scenario, target.Name, s => s.WithNode), 11, "F1")
                + Cell(results.Median(scenario, target.Name, s => s.Bytes), 8, "F0")
                + Cell(results.Median(scenario, target.Name, s => s.P50Microseconds), 9, "F0")
                + Cell(results.Median(scenario, target.Name, s => s.P99Microseconds), 9, "F0"));
        }
    }

    private static string Cell(double? value, int width, string format) =>
        (value is { } v && v > 0 ? v.ToString(format, CultureInfo.InvariantCulture) : "").PadLeft(width);

    private static string LeptonHome()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == ".lepton")
                return folder.FullName;
        }
        throw new InvalidOperationException("The bench runs from the repository's .lepton/build.");
    }
}
