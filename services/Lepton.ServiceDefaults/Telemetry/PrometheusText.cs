using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Prometheus' text format 0.0.4 with OpenTelemetry's rules for names: dots become underscores, the unit becomes a
/// suffix, a counter ends in <c>_total</c>.
/// </summary>
internal sealed class PrometheusText
{
    private readonly StringBuilder text = new(16 << 10);
    private readonly Dictionary<string, string> types = [];

    public void Clear()
    {
        text.Clear();
        types.Clear();
    }

    public byte[] ToUtf8() => Encoding.UTF8.GetBytes(text.ToString());

    /// <summary>The resource: once, as target_info, so that no series repeats it.</summary>
    public void WriteTarget(IEnumerable<KeyValuePair<string, object>> attributes)
    {
        Head("target_info", "gauge", "What is measured.");
        text.Append("target_info");
        Labels(attributes.Select(a => KeyValuePair.Create(a.Key, (object?)a.Value)));
        text.Append(" 1\n");
    }

    public void Write(Metric metric)
    {
        var type = TypeOf(metric.MetricType);
        if (type is null)
            return;
        var name = NameOf(metric.Name, metric.Unit, type);
        if (!Head(name, type, metric.Description))
            return;
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            if (type == "histogram")
                Histogram(name, point);
            else
                Sample(name, point, null, Value(metric.MetricType, point));
        }
    }

    /// <summary>The name in Prometheus: http.server.request.duration in s is
    /// http_server_request_duration_seconds.</summary>
    internal static string NameOf(string name, string unit, string type)
    {
        var plain = Sanitise(name);
        var suffix = UnitOf(unit, type);
        if (suffix is not null && !plain.EndsWith("_" + suffix, StringComparison.Ordinal))
            plain = $"{plain}_{suffix}";
        return type == "counter" && !plain.EndsWith("_total", StringComparison.Ordinal) ? plain + "_total" : plain;
    }

    private static string? UnitOf(string unit, string type) => unit switch
    {
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "By" => "bytes",
        "By/s" => "bytes_per_second",
        "1" when type == "gauge" => "ratio",
        _ => null, // an annotation like {request}, or none
    };

    private static string? TypeOf(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic => "gauge",
        MetricType.LongGauge or MetricType.DoubleGauge => "gauge",
        MetricType.Histogram => "histogram",
        _ => null, // exponential histograms have no text form; no view of ours makes one
    };

    private static double Value(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
        MetricType.LongGauge => point.GetGaugeLastValueLong(),
        _ => point.GetGaugeLastValueDouble(),
    };

    // Two instruments that come to one name and another type would make the whole scrape invalid: the first wins.
    private bool Head(string name, string type, string? help)
    {
        if (types.TryGetValue(name, out var known))
            return known == type;
        types.Add(name, type);
        var line = (help ?? "").Replace("\\", @"\\", StringComparison.Ordinal).ReplaceLineEndings(" ");
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {(line.Length > 0 ? line : name)}\n");
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
        return true;
    }

    private void Histogram(string name, in MetricPoint point)
    {
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            Sample(name + "_bucket", point, bucket.ExplicitBound, below);
        }
        Sample(name + "_sum", point, null, point.GetHistogramSum());
        Sample(name + "_count", point, null, point.GetHistogramCount());
    }

    private void Sample(string name, in MetricPoint point, double? bound, double value)
    {
        var labels = new List<KeyValuePair<string, object?>>();
        foreach (var tag in point.Tags)
            labels.Add(tag);
        if (bound is { } b)
            labels.Add(new("le", Number(b)));
        text.Append(name);
        Labels(labels);
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private void Labels(IEnumerable<KeyValuePair<string, object?>> labels)
    {
        var separator = '{';
        foreach (var (key, value) in labels)
        {
            text.Append(separator).Append(Sanitise(key)).Append("=\"").Append(Escape(value)).Append('"');
            separator = ',';
        }
        if (separator == ',')
            text.Append('}');
    }

    private static string Escape(object? value)
    {
        var s = value switch
        {
            null => "",
            bool b => b ? "true" : "false",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };
        return s.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Sanitise(string name)
    {
        var clean = string.Create(name.Length, name, static (span, s) =>
        {
            for (var i = 0; i < s.Length; i++)
                span[i] = char.IsAsciiLetterOrDigit(s[i]) ? s[i] : '_';
        });
        return clean.Length > 0 && char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }
}
