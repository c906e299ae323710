using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lepton.Inference.Agent.Spot;

/// <summary>
/// The notices of three clouds, each by its instance metadata service, plain HTTP on the machine's own link:
/// Amazon EC2 (Spot instance interruption notices, IMDSv2; 2 min before), Azure (Scheduled Events, EventType Preempt;
/// at least 30 s) and Google Compute Engine (instance/preempted; 30 s).
/// </summary>
internal sealed class CloudNotices(string cloud, Uri address, string resource, HttpClient client) : ISpotNotices
{
    private const int AnswerCharactersMax = 1 << 20;

    private string? _token;

    /// <summary>Where each cloud's metadata service is.</summary>
    public static Uri AddressOf(string cloud) => new(
        cloud == "gcp" ? "http://metadata.google.internal" : "http://169.254.169.254");

    public async Task<SpotNotice?> AskAsync(CancellationToken cancellation)
    {
        try
        {
            return cloud switch
            {
                "aws" => await AskAmazonAsync(cancellation),
                "azure" => await AskAzureAsync(cancellation),
                _ => await AskGoogleAsync(cancellation),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new HttpRequestException($"{cloud}: not an answer of its metadata service: {e.Message}", e);
        }
    }

    // A session token first; without one there is 401, with none said 404.
    private async Task<SpotNotice?> AskAmazonAsync(CancellationToken cancellation)
    {
        if (_token is null)
        {
            using HttpRequestMessage token = new(HttpMethod.Put, new Uri(address, "/latest/api/token"));
            token.Headers.Add("X-aws-ec2-metadata-token-ttl-seconds", "21600");
            _token = await SendAsync(token, cancellation);
        }
        using HttpRequestMessage request = new(
            HttpMethod.Get, new Uri(address, "/latest/meta-data/spot/instance-action"));
        request.Headers.Add("X-aws-ec2-metadata-token", _token);
        using HttpResponseMessage answer = await client.SendAsync(request, cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound)
            return null;
        if (answer.StatusCode == HttpStatusCode.Unauthorized)
            _token = null; // it has expired; the next look takes a new one
        JsonNode? action = JsonNode.Parse(await TextAsync(answer, cancellation));
        return new SpotNotice(TimeOf((string?)action?["time"]), $"{(string?)action?["action"] ?? "interruption"}");
    }

    private async Task<SpotNotice?> AskAzureAsync(CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(
            HttpMethod.Get, new Uri(address, "/metadata/scheduledevents?api-version=2020-07-01"));
        request.Headers.Add("Metadata", "true");
        JsonArray events = JsonNode.Parse(await SendAsync(request, cancellation))?["Events"]?.AsArray() ?? [];
        foreach (JsonNode? one in events)
            if ((string?)one?["EventType"] == "Preempt" && (resource.Length == 0
                || one["Resources"]?.AsArray().Any(r => (string?)r == resource) == true))
                return new SpotNotice(TimeOf((string?)one["NotBefore"]), $"Preempt {(string?)one["EventId"]}");
        return null;
    }

    private async Task<SpotNotice?> AskGoogleAsync(CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(
            HttpMethod.Get, new Uri(address, "/computeMetadata/v1/instance/preempted"));
        request.Headers.Add("Metadata-Flavor", "Google");
        return (await SendAsync(request, cancellation)).Trim() == "TRUE" ? new SpotNotice(null, "preempted") : null;
    }

    private async Task<string> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await client.SendAsync(request, cancellation);
        return await TextAsync(answer, cancellation);
    }

    private static async Task<string> TextAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        answer.EnsureSuccessStatusCode();
        string text = await answer.Content.ReadAsStringAsync(cancellation);
        return text.Length <= AnswerCharactersMax ? text : throw new FormatException("it is too long");
    }

    private static DateTimeOffset? TimeOf(string? text) => DateTimeOffset.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;
}
