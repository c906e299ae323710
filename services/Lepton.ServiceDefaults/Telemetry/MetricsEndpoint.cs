using Lepton.Platform.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lepton.ServiceDefaults;

/// <summary>GET /metrics, for services of the installation (a Prometheus has a certificate as one), not for
/// tenants.</summary>
internal static class MetricsEndpoint
{
    public static void MapMetrics(this IEndpointRouteBuilder app, PrometheusExporter exporter) =>
        app.MapGet("/metrics", (HttpContext context) => context.GetCaller().Kind == CallerKind.Service
            ? Results.Bytes(exporter.Scrape(), PrometheusExporter.ContentType)
            : Results.Problem($"{RpcErrors.ReasonOf(ErrorReason.CallerNotAllowed)}: metrics are for services.",
                statusCode: StatusCodes.Status403Forbidden));
}
