using System.Diagnostics;
using Lepton.Cli.Platform;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Lepton.Cli.Commands;

/// <summary>
/// The client's end of a request's trace. HttpClient sends the current activity on as <c>traceparent</c>, so what
/// the gateway and the node record hangs below it; the client's own span goes to the dashboard.
/// </summary>
internal sealed class ClientTrace : IDisposable
{
    /// <summary>An answer that is already there is not held back for a dashboard that is slow.</summary>
    private const int FlushTimeoutMilliseconds = 1000;

    private static readonly ActivitySource source = new("Lepton.Cli");

    private readonly TracerProvider provider;
    private readonly Activity? activity;

    private ClientTrace(TracerProvider provider, Activity? activity)
    {
        this.provider = provider;
        this.activity = activity;
    }

    public static ClientTrace Start(DashboardAccess dashboard, string name)
    {
        TracerProvider provider = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService(
                // One name for all runs: else each would be a resource of its own on the dashboard.
                "lepton-cli", "lepton", autoGenerateServiceInstanceId: false, serviceInstanceId: "cli"))
            .AddSource(source.Name, "System.Net.Http")
            .AddOtlpExporter(exporter =>
            {
                exporter.Endpoint = new Uri(dashboard.OtlpUrl);
                exporter.Protocol = OtlpExportProtocol.Grpc;
                exporter.Headers = $"x-otlp-api-key={dashboard.OtlpApiKey}";
                exporter.TimeoutMilliseconds = FlushTimeoutMilliseconds;
            })
            .Build();
        return new ClientTrace(provider, source.StartActivity(name, ActivityKind.Client));
    }

    /// <summary>The answer is there; what the command does with it is no part of the request.</summary>
    public void End() => activity?.Stop();

    /// <summary>Sends the span, after the answer has been shown.</summary>
    public void Dispose()
    {
        activity?.Dispose();
        provider.ForceFlush(FlushTimeoutMilliseconds);
        provider.Dispose();
    }
}
