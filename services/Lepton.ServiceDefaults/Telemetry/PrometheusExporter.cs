using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Metrics in Prometheus' text format, collected when they are asked for. No exporter package is to be had; the SDK's
/// pull reader does the work and this only writes.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    /// <summary>The content type of what <see cref="Scrape"/> gives.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly TimeSpan CollectMax = TimeSpan.FromSeconds(5);

    private readonly Lock scraping = new();
    private readonly PrometheusText text = new();

    /// <summary>Set by the reader.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>All metrics as they are now. One scrape at a time.</summary>
    /// <exception cref="TimeoutException">The instruments did not answer in 5 s.</exception>
    public byte[] Scrape()
    {
        lock (scraping)
        {
            text.Clear();
            if (Collect?.Invoke((int)CollectMax.TotalMilliseconds) != true)
                throw new TimeoutException($"The metrics were not collected within {CollectMax.TotalSeconds} s.");
            return text.ToUtf8();
        }
    }

    /// <inheritdoc />
    public override ExportResult Export(in Batch<Metric> batch)
    {
        text.WriteTarget(ParentProvider?.GetResource().Attributes ?? []);
        foreach (var metric in batch)
            text.Write(metric);
        return ExportResult.Success;
    }
}
