using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

public enum OtlpProtocol
{
    Grpc = 0,
    HttpProtobuf = 1,
    HttpJson = 2,
}

public static class OtlpConfigurationExtensions
{
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment
        => Add(builder, null);

    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder, OtlpProtocol protocol)
        where T : IResourceWithEnvironment
        => Add(builder, protocol);

    private static IResourceBuilder<T> Add<T>(IResourceBuilder<T> builder, OtlpProtocol? protocol)
        where T : IResourceWithEnvironment
    {
        builder.WithAnnotation(
            new OtlpExporterAnnotation { RequiredProtocol = protocol }, ResourceAnnotationMutationBehavior.Replace);
        IConfiguration configuration = builder.ApplicationBuilder.Configuration;
        bool development = builder.ApplicationBuilder.Environment.IsDevelopment();
        return builder.WithEnvironment(context => Set(builder.Resource, configuration, development, context));
    }

    private static void Set(
        IResource resource, IConfiguration configuration, bool development, EnvironmentCallbackContext context)
    {
        if (context.ExecutionContext.IsPublishMode
            || !resource.TryGetLastAnnotation(out OtlpExporterAnnotation? exporter))
            return;
        Dictionary<string, object> env = context.EnvironmentVariables;
        (string url, string protocol) = DashboardSettings.OtlpFor(configuration, exporter.RequiredProtocol);
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = new HostUrl(url);
        env["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        env["OTEL_SERVICE_NAME"] = resource.Name;
        env["OTEL_RESOURCE_ATTRIBUTES"] = InstanceId.AttributePrefix + InstanceId.Placeholder;
        if (configuration["AppHost:OtlpApiKey"] is { Length: > 0 } key)
            env["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";
        if (!development)
            return;
        // Shown within a second instead of OpenTelemetry's 5 s (logs, spans) and 60 s (metrics).
        env["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
        env["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
        env["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        env["OTEL_TRACES_SAMPLER"] = "always_on";
        env["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
    }
}

/// <summary>Environment is evaluated once for a resource, while the instance id differs by replica.</summary>
internal static class InstanceId
{
    public const string AttributePrefix = "service.instance.id=";
    public const string Placeholder = "{{instance-id}}";
}
