using System.Diagnostics.Metrics;

namespace Lepton.Testing;

/// <summary>One metric: as OpenTelemetry names it, as Prometheus does, its Prometheus type, and its unit.</summary>
public sealed record MetricRow(string Name, string Prometheus, string Type, string Unit);

/// <summary>The metrics that a README lists, and those that a process really has.</summary>
public static class MetricList
{
    /// <summary>The rows <c>| `name` | `name_in_prometheus` | type | unit | labels | meaning |</c> of a
    /// README.</summary>
    public static IReadOnlyList<MetricRow> Listed(string readme)
    {
        List<MetricRow> rows = [];
        foreach (var line in File.ReadLines(readme))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells is ["", ['`', ..] name, ['`', ..] prometheus, var type, var unit, _, { Length: > 0 }, ""]
                && type is "counter" or "gauge" or "histogram")
                rows.Add(new MetricRow(name.Trim('`'), prometheus.Trim('`'), type, unit));
        }
        return rows;
    }

    /// <summary>A meter of the service itself: not those of libraries, whose READMEs list them.</summary>
    public static bool IsOfService(string meter) =>
        meter.StartsWith("Lepton.", StringComparison.Ordinal)
        && meter is not ("Lepton.Tokens" or "Lepton.Access" or "Lepton.Security" or "Lepton.Tls"
            or "Lepton.Control" or "Lepton.Audit");

    /// <summary>Every instrument of these meters in this process.</summary>
    public static IReadOnlyList<MetricRow> Live(
        Func<string, bool> isMeter, Func<string, string, string, string> prometheusName)
    {
        List<MetricRow> rows = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (isMeter(instrument.Meter.Name))
            {
                var (type, unit) = (TypeOf(instrument), instrument.Unit ?? "");
                lock (rows) // tests beside this one make instruments meanwhile
                    rows.Add(new MetricRow(
                        instrument.Name, prometheusName(instrument.Name, unit, type), type, unit));
            }
        };
        listener.Start();
        lock (rows)
            return [.. rows.Distinct().OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    /// <summary>What a README lacks or has in vain; empty when it is current. Lacking rows come ready to
    /// paste.</summary>
    public static string Differences(
        IReadOnlyList<MetricRow> listed, IReadOnlyList<MetricRow> live) => string.Join('\n',
    [
        .. live.Except(listed).Select(r => $"to list: | `{r.Name}` | `{r.Prometheus}` | {r.Type} | {r.Unit} | … | … |"),
        .. listed.Except(live).Select(r => $"listed, but not so here: {r}"),
        .. listed.GroupBy(r => r.Name).Where(g => g.Count() > 1).Select(g => $"listed twice: {g.Key}"),
    ]);

    /// <summary>A file of the repository that these tests were built from.</summary>
    public static string RepositoryFile(string path)
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Lepton.sln")))
            at = at.Parent;
        var root = at?.FullName ?? throw new InvalidOperationException("No Lepton.sln above the tests.");
        return Path.Combine(root, path);
    }

    private static string TypeOf(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        return type.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
            : type.StartsWith("Counter", StringComparison.Ordinal)
                || type.StartsWith("ObservableCounter", StringComparison.Ordinal) ? "counter"
            : "gauge";
    }
}
