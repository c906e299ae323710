using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Lepton.ServiceDefaults;

/// <summary>Traces, metrics and logs by OpenTelemetry. .NET instruments itself: only its names are needed.</summary>
internal static class Telemetry
{
    private static readonly string[] Sources = ["Lepton.*", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql"];
    internal static readonly string[] Meters =
    [
        "Lepton.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http",
        "System.Runtime", "Npgsql",
    ];

    // Gauges of the runtime whose names end in _count, which promtool reserves for histograms; none is of use here.
    internal static readonly string[] Dropped =
        ["dotnet.assembly.count", "dotnet.process.cpu.count", "dotnet.timer.count"];

    public static void AddTelemetry(this IHostApplicationBuilder builder, string service)
    {
        var prometheus = new PrometheusExporter();
        builder.Services.AddSingleton(prometheus);
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, service, builder.Configuration))
            .WithMetrics(metrics => metrics.AddMeter(Meters)
                .AddView(instrument => Dropped.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null)
                .AddReader(new BaseExportingMetricReader(prometheus)));
        // The standard variable says where to; without it nothing is sent, and no span is made for nobody.
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            return;
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        telemetry.WithTracing(tracing => tracing.AddSource(Sources)).UseOtlpExporter();
    }

    private static void Describe(ResourceBuilder resource, string service, IConfiguration configuration)
    {
        var version = Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        resource.AddService($"lepton-{service}", "lepton", version?.InformationalVersion)
            .AddAttributes(
            [
                new("cloud.region", configuration["Lepton:Region"] ?? ""),
                new("cloud.availability_zone", configuration["Lepton:Zone"] ?? "a"),
            ])
            .AddEnvironmentVariableDetector(); // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
    }
}
