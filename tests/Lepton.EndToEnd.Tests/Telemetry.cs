using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>What the dashboard has received, by its telemetry API.</summary>
internal sealed class Telemetry(Platform platform)
{
    /// <summary>The services from which it has logs, traces and metrics, all three.</summary>
    public async Task<IReadOnlyList<string>> FullySeenAsync()
    {
        using JsonDocument json = JsonDocument.Parse(await GetAsync("resources"));
        return
        [
            .. json.RootElement.EnumerateArray()
                .Where(r => r.GetProperty("hasLogs").GetBoolean() && r.GetProperty("hasTraces").GetBoolean()
                    && r.GetProperty("hasMetrics").GetBoolean())
                .Select(r => r.GetProperty("name").GetString()!),
        ];
    }

    /// <summary>For each trace that the dashboard holds, the services whose spans are in it.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<string>>> TracesAsync()
    {
        using JsonDocument json = JsonDocument.Parse(await GetAsync("spans?limit=10000"));
        return
        [
            .. from resource in json.RootElement.GetProperty("data").GetProperty("resourceSpans").EnumerateArray()
               let service = Attribute(resource.GetProperty("resource"), "service.name")
               from scope in resource.GetProperty("scopeSpans").EnumerateArray()
               from span in scope.GetProperty("spans").EnumerateArray()
               group service by span.GetProperty("traceId").GetString() into trace
               select (IReadOnlyList<string>)[.. trace.Distinct()],
        ];
    }

    private async Task<string> GetAsync(string what)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Add("x-api-key", platform.TelemetryApiKey);
        return await http.GetStringAsync($"{platform.DashboardUrl}/api/telemetry/{what}");
    }

    private static string Attribute(JsonElement resource, string key) => resource.GetProperty("attributes")
        .EnumerateArray()
        .First(a => a.GetProperty("key").GetString() == key)
        .GetProperty("value").GetProperty("stringValue").GetString()!;
}
