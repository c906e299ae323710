using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Publishing;

/// <summary>Publish mode: writes the manifest and ends the application.</summary>
internal sealed partial class ManifestPublisher(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    IConfiguration configuration,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    IHostApplicationLifetime lifetime,
    ILogger<ManifestPublisher> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A failure ends the application too: an exception here stops the host, which reports it.
        await eventing.PublishAsync(new BeforeStartEvent(services, model), stoppingToken).ConfigureAwait(false);
        string path = OutputPath();
        await PublishAsync(path, stoppingToken).ConfigureAwait(false);
        LogPublished(path);
        lifetime.StopApplication();
    }

    private async Task PublishAsync(string path, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? ".");
        // Beside the target first: a failure half-way leaves the old manifest.
        string draft = path + ".new";
        var stream = new FileStream(draft, FileMode.Create);
        await using (stream.ConfigureAwait(false))
        {
            var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            await using (writer.ConfigureAwait(false))
                await new ManifestPublishingContext(executionContext, path, writer, cancellationToken)
                    .WriteModelAsync(model).ConfigureAwait(false);
        }

        File.Move(draft, path, overwrite: true);
    }

    private string OutputPath()
    {
        string? publisher = configuration["Publishing:Publisher"];
        if (publisher != "manifest")
            throw new DistributedApplicationException($"Publisher '{publisher}' is not supported here; use manifest.");
        string path = configuration["Publishing:OutputPath"] ?? throw new DistributedApplicationException(
            "The '--output-path [path]' option was not specified even though manifest publishing was requested.");
        return Path.GetFullPath(
            path.EndsWith(".json", StringComparison.Ordinal) ? path : Path.Combine(path, "aspire-manifest.json"));
    }

    [LoggerMessage(LogLevel.Information, "Published manifest to: {ManifestPath}")]
    private partial void LogPublished(string manifestPath);
}
