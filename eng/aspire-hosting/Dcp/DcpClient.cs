using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Dcp;

/// <summary>DCP's API: Kubernetes-like objects by HTTP, its address and keys in a kubeconfig file.</summary>
internal sealed class DcpClient : IDisposable
{
    private const string Root = "apis/usvc-dev.developer.microsoft.com/v1/";
    private const string ApiVersion = "usvc-dev.developer.microsoft.com/v1";
    private const string MergePatch = "application/merge-patch+json";
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(20);

    private readonly HttpClient http;
    private readonly X509Certificate2 authority;

    public DcpClient(string kubeconfig)
    {
        // Flat YAML that DCP itself writes: `key: value` lines are all that there is to read.
        Dictionary<string, string> values = File.ReadLines(kubeconfig)
            .Select(line => line.Trim().TrimStart('-').Trim().Split(": ", 2))
            .Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0], pair => pair[1].Trim('"'))
            .ToDictionary(g => g.Key, g => g.Last());
        byte[] pem = Convert.FromBase64String(values["certificate-authority-data"]);
        authority = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(pem));
        var handler = new SocketsHttpHandler { ConnectTimeout = CallLimit };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        http = new HttpClient(handler)
        {
            BaseAddress = new Uri(values["server"].TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", values["token"]);
    }

    public Task CreateAsync(string kind, string plural, JsonObject body, CancellationToken cancellationToken)
    {
        body["apiVersion"] = ApiVersion;
        body["kind"] = kind;
        return SendAsync(HttpMethod.Post, Root + plural, body, "application/json", cancellationToken);
    }

    public Task PatchAsync(string plural, string name, JsonObject patch, CancellationToken cancellationToken)
        => SendAsync(HttpMethod.Patch, $"{Root}{plural}/{name}", patch, MergePatch, cancellationToken);

    public Task<JsonNode?> PatchExecutionAsync(JsonObject patch, CancellationToken cancellationToken)
        => SendAsync(HttpMethod.Patch, "admin/execution", patch, MergePatch, cancellationToken);

    public Task<JsonNode?> GetExecutionAsync(CancellationToken cancellationToken)
        => SendAsync(HttpMethod.Get, "admin/execution", null, null, cancellationToken);

    /// <summary>Null when there is no such object.</summary>
    public async Task<JsonNode?> FindAsync(string plural, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(HttpMethod.Get, $"{Root}{plural}/{name}", null, null, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public async Task DeleteAsync(string plural, string name, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(HttpMethod.Delete, $"{Root}{plural}/{name}", null, null, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            // Gone already, which is what was asked for.
        }
    }

    /// <summary>Every object of the kind as it is, then each change, until the connection ends.</summary>
    public async IAsyncEnumerable<(string Type, JsonNode Item)> WatchAsync(
        string plural, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (string line in LinesAsync($"{Root}{plural}?watch=true", cancellationToken).ConfigureAwait(false))
        {
            JsonNode change = JsonNode.Parse(line) ?? throw new JsonException("DCP sent an empty change.");
            if (change["object"] is { } item)
                yield return ((string?)change["type"] ?? "", item);
        }
    }

    /// <param name="source">stdout, stderr or system.</param>
    public IAsyncEnumerable<string> LogAsync(
        string plural, string name, string source, bool follow, CancellationToken cancellationToken)
        => LinesAsync(
            $"{Root}{plural}/{name}/log?source={source}&timestamps=true&follow={(follow ? "true" : "false")}",
            cancellationToken);

    public void Dispose()
    {
        http.Dispose();
        authority.Dispose();
    }

    private async IAsyncEnumerable<string> LinesAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await http.GetAsync(
            new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            .ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(
            await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Length > 0)
                yield return line;
        }
    }

    private async Task<JsonNode?> SendAsync(
        HttpMethod method, string path, JsonObject? body, string? contentType, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CallLimit);
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            // Bytes, not a string: DCP refuses a content type with a charset.
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType ?? "application/json");
        }

        using HttpResponseMessage response = await http.SendAsync(request, limit.Token).ConfigureAwait(false);
        string text = await response.Content.ReadAsStringAsync(limit.Token).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException(
                $"DCP answered {(int)response.StatusCode} to {method} {path}: {text}", null, response.StatusCode);
        return text.Length == 0 ? null : JsonNode.Parse(text);
    }
}
