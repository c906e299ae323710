using System.Diagnostics;
using System.Globalization;

namespace Lepton.Benchmarks.Gateway;

/// <summary>What kind of load.</summary>
internal enum Load
{
    /// <summary>h2load: the same request over and over.</summary>
    Identical,

    /// <summary>The same over TLS 1.3.</summary>
    IdenticalTls,

    /// <summary>Deadline, traceparent and token change with every request.</summary>
    Varied,

    /// <summary>As <see cref="Varied"/>, at half of HAProxy's rate, whatever comes back.</summary>
    HalfOpen,
}

internal sealed record Scenario(string Name, int Streams, Load Load);

/// <summary>What one measurement of one target gave.</summary>
/// <param name="PerSecond">Answered requests a second.</param>
/// <param name="CpuMicroseconds">Processor time of the target's process for each.</param>
/// <param name="NodeMicroseconds">Processor time of the node for each; 0 for direct, where it is the target.</param>
/// <param name="Bytes">Managed memory that Lepton allocated for each; 0 for others.</param>
/// <param name="P50Microseconds">From when a request was due; 0 where it was not measured.</param>
/// <param name="P99Microseconds">Likewise.</param>
internal sealed record Sample(double PerSecond, double CpuMicroseconds, double NodeMicroseconds, double Bytes,
    double P50Microseconds, double P99Microseconds)
{
    public double WithNode => CpuMicroseconds + NodeMicroseconds;
}

/// <summary>Puts load on one target and reads the counters before and after.</summary>
internal sealed class Measurement(Proxies proxies)
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    // The JIT compiler has seen every method at its best when it hardly works any more; a router lives for days.
    private const long CompiledMillisecondsMax = 40;
    private const int WarmUpsMax = 15;

    private double _haproxyPerSecond;

    public async Task WarmUpAsync(IEnumerable<Scenario> scenarios, CancellationToken cancellation)
    {
        await WarmUpAsync(proxies["bare"], tls: false, cancellation);
        if (scenarios.Any(s => s.Load == Load.IdenticalTls))
            await WarmUpAsync(proxies["lepton"], tls: true, cancellation);
        await WarmUpAsync(proxies["lepton"], tls: false, cancellation);
    }

    private async Task WarmUpAsync(Target target, bool tls, CancellationToken cancellation)
    {
        long before, after = await target.Process.AskAsync(cancellation, ParentLine.Compiled);
        int times = 0;
        do
        {
            before = after;
            await H2Load.RunAsync(proxies, target, tls, 64, Time, cancellation);
            after = await target.Process.AskAsync(cancellation, ParentLine.Compiled);
        }
        while (++times < WarmUpsMax && after - before > CompiledMillisecondsMax);
        Console.WriteLine(
            $"{target.Name}{(tls ? " by TLS" : "")}: warm after {times} x {Time.TotalSeconds} s; the last "
            + $"compiled for {after - before} ms");
    }

    public async Task<Sample> RunAsync(Scenario scenario, Target target, CancellationToken cancellation)
    {
        bool isDirect = target.Process == proxies.Node, isOurs = target.Name is "lepton" or "bare";
        long served = await proxies.Node.AskAsync(cancellation);
        long bytes = isOurs ? await target.Process.AskAsync(cancellation) : 0;
        double cpu = target.Process.CpuSeconds, node = proxies.Node.CpuSeconds;
        (double rate, double p50, double p99) = await LoadAsync(scenario, target, cancellation);
        cpu = target.Process.CpuSeconds - cpu;
        node = isDirect ? 0 : proxies.Node.CpuSeconds - node;
        bytes = isOurs ? await target.Process.AskAsync(cancellation) - bytes : 0;
        served = await proxies.Node.AskAsync(cancellation) - served;
        // The node counts what it served: a proxy that answered by itself would show here.
        if (served < rate * Time.TotalSeconds * 0.95)
            throw new InvalidOperationException($"{target.Name} answered {rate:F0}/s, the node served {served}.");
        if (scenario.Name == "h2c_64" && target.Name == "haproxy")
            _haproxyPerSecond = rate;
        return new Sample(rate, cpu * 1e6 / served, node * 1e6 / served, (double)bytes / served, p50, p99);
    }

    private async Task<(double Rate, double P50, double P99)> LoadAsync(
        Scenario scenario, Target target, CancellationToken cancellation)
    {
        if (scenario.Load is Load.Identical or Load.IdenticalTls)
            return (await H2Load.RunAsync(proxies, target, scenario.Load == Load.IdenticalTls, scenario.Streams, Time,
                cancellation), 0, 0);
        double perSecond = scenario.Load == Load.HalfOpen ? _haproxyPerSecond / 2 : 0;
        await using Child load = Child.StartSelf(FrameLoad.Role, proxies.Cores.Load, Settings.Environment,
            Text(target.H2c), Text(scenario.Load == Load.HalfOpen ? 1000 : scenario.Streams), Text(perSecond),
            Text(Time.TotalSeconds));
        string[] parts = (await load.ReadToEndAsync(cancellation)).Split(' ');
        double[] values = [.. parts.Select(part => double.Parse(part, CultureInfo.InvariantCulture))];
        return scenario.Load == Load.HalfOpen ? (values[0], values[1], values[2]) : (values[0], 0, 0);
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Every sample, and what they say of each other.</summary>
internal sealed class Results
{
    private readonly Dictionary<(string Scenario, string Target), List<Sample>> _samples = [];

    public void Add(Scenario scenario, Target target, Sample sample)
    {
        if (!_samples.TryGetValue((scenario.Name, target.Name), out List<Sample>? all))
            _samples.Add((scenario.Name, target.Name), all = []);
        all.Add(sample);
    }

    public double? Median(Scenario scenario, string target, Func<Sample, double> of) =>
        _samples.TryGetValue((scenario.Name, target), out List<Sample>? all) ? Middle(all.Select(of)) : null;

    /// <summary>The median of the rounds' ratios: what slows the machine down for a round slows both.</summary>
    public double? Ratio(Scenario scenario, string target, string baseline, Func<Sample, double> of) =>
        _samples.TryGetValue((scenario.Name, target), out List<Sample>? a)
        && _samples.TryGetValue((scenario.Name, baseline), out List<Sample>? b)
            ? Middle(a.Zip(b, (x, y) => of(x) / of(y)))
            : null;

    public SortedDictionary<string, double> Ratios(IEnumerable<Scenario> scenarios)
    {
        SortedDictionary<string, double> ratios = new(StringComparer.Ordinal);
        foreach (Scenario scenario in scenarios)
        {
            if (scenario.Load == Load.HalfOpen)
            {
                Put($"p50_vs_haproxy_{scenario.Name}", Ratio(scenario, "lepton", "haproxy", s => s.P50Microseconds));
                Put($"p99_vs_haproxy_{scenario.Name}", Ratio(scenario, "lepton", "haproxy", s => s.P99Microseconds));
                Put($"p99_vs_nginx_{scenario.Name}", Ratio(scenario, "lepton", "nginx", s => s.P99Microseconds));
                continue;
            }
            foreach (string peer in (string[])["direct", "haproxy", "nginx", "bare"])
                Put($"rps_vs_{peer}_{scenario.Name}", Ratio(scenario, "lepton", peer, s => s.PerSecond));
            Put($"cpu_vs_haproxy_{scenario.Name}", Ratio(scenario, "lepton", "haproxy", s => s.CpuMicroseconds));
            Put($"cpu_with_node_vs_haproxy_{scenario.Name}", Ratio(scenario, "lepton", "haproxy", s => s.WithNode));
            Put($"bytes_per_request_{scenario.Name}", Median(scenario, "lepton", s => s.Bytes));
        }
        return ratios;

        void Put(string key, double? value)
        {
            if (value is { } known && double.IsFinite(known))
                ratios[key] = Math.Round(known, 3);
        }
    }

    private static double Middle(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
