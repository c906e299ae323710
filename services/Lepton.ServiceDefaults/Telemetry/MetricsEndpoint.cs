using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lepton.ServiceDefaults;

/// <summary>GET /metrics, for services of the installation (a Prometheus has a certificate as one) and who has
/// METRICS_READ.</summary>
internal static class MetricsEndpoint
{
    public static void MapMetrics(this IEndpointRouteBuilder app, PrometheusExporter exporter) =>
        app.MapGet("/metrics", () => Results.Bytes(exporter.Scrape(), PrometheusExporter.ContentType));
}
