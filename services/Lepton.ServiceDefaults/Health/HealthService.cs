using Grpc.Core;
using Grpc.Health.V1;
using Lepton.Platform.V1;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Lepton.ServiceDefaults;

/// <summary>grpc.health.v1 over the service's health checks. Every offered service shares the process's
/// health.</summary>
internal sealed class HealthService(
    HealthCheckService checks, OfferedServices offered, IHostApplicationLifetime lifetime, TimeProvider time)
    : Health.HealthBase
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    public override async Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        if (!IsKnown(request.Service))
            throw RpcErrors.Create(StatusCode.NotFound, ErrorReason.FieldInvalid,
                $"No service {request.Service} here; leave it empty for the server as a whole.");
        return new HealthCheckResponse { Status = await StatusAsync(context.CancellationToken) };
    }

    public override async Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context)
    {
        var status = await StatusAsync(context.CancellationToken);
        var response = new HealthListResponse();
        foreach (var service in offered.Services.Select(s => s.FullName).Prepend(""))
            response.Statuses.Add(service, new HealthCheckResponse { Status = status });
        return response;
    }

    public override async Task Watch(HealthCheckRequest request,
        IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var timer = new PeriodicTimer(WatchInterval, time);
        HealthCheckResponse.Types.ServingStatus? last = null;
        do
        {
            var status = IsKnown(request.Service)
                ? await StatusAsync(context.CancellationToken)
                : HealthCheckResponse.Types.ServingStatus.ServiceUnknown;
            if (status != last)
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }, context.CancellationToken);
            last = status;
        }
        while (!lifetime.ApplicationStopping.IsCancellationRequested
            && await timer.WaitForNextTickAsync(context.CancellationToken));
        // A watch has no end of its own, and a server that stops waits for its calls. The last word was said.
        throw RpcErrors.Create(StatusCode.Unavailable, ErrorReason.Stopping, "This server stops.");
    }

    private bool IsKnown(string service) => service == "" || offered.Services.Any(s => s.FullName == service);

    private async Task<HealthCheckResponse.Types.ServingStatus> StatusAsync(CancellationToken cancellation)
    {
        var report = await checks.CheckHealthAsync(cancellation);
        return report.Status == HealthStatus.Unhealthy
            ? HealthCheckResponse.Types.ServingStatus.NotServing
            : HealthCheckResponse.Types.ServingStatus.Serving;
    }
}
