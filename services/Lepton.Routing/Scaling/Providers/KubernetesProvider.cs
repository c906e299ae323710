using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Scaling.Providers;

/// <summary>
/// Sets the replicas of a Deployment or StatefulSet by its scale subresource (kubernetes.io, API reference,
/// autoscaling/v1 Scale): read, then put with the resource version that was read, so that two routers can't both change
/// it. The pod that shall go, which is drained already, is marked as the cheapest to delete
/// (controller.kubernetes.io/pod-deletion-cost); whichever goes drains itself on SIGTERM.
/// </summary>
internal sealed class KubernetesProvider(IOptions<ScalingOptions> options, TimeProvider time)
    : ICapacityProvider, IDisposable
{
    private const int Tries = 3; // of a put that somebody else's was before
    private const int AnswerBytesMax = 4 << 20;

    private readonly KubernetesOptions _options = options.Value.Kubernetes;
    private readonly Lazy<HttpClient> _client = new(
        () => Connect(options.Value.Kubernetes), LazyThreadSafetyMode.PublicationOnly); // a file may come later

    public string Name => "kubernetes";

    public async Task<int> GrowAsync(Tier tier, int nodes, IReadOnlyCollection<string> running,
        IReadOnlyCollection<string> leaving, CancellationToken cancellation)
    {
        int replicas = await SetAsync(tier, now => Math.Max(now, nodes + leaving.Count), cancellation);
        return Math.Max(0, replicas - leaving.Count - running.Count);
    }

    public async Task<bool> StopAsync(Tier tier, string node, int nodesLeft, CancellationToken cancellation)
    {
        JsonObject cheap = new()
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject { ["controller.kubernetes.io/pod-deletion-cost"] = "-1000" },
            },
        };
        // A node that is not named as its pod cannot be marked, and leaves as any other.
        await SendAsync(HttpMethod.Patch, $"/api/v1/namespaces/{Escape(_options.Namespace)}/pods/{Escape(node)}",
            cheap, "application/merge-patch+json", cancellation, HttpStatusCode.NotFound);
        await SetAsync(tier, now => Math.Min(now, nodesLeft), cancellation);
        return true;
    }

    public bool MayStop(Tier tier, string node) => true;

    public void Dispose()
    {
        if (_client.IsValueCreated)
            _client.Value.Dispose();
    }

    // The replicas that it has then.
    private async Task<int> SetAsync(Tier tier, Func<int, int> wanted, CancellationToken cancellation)
    {
        string name = tier == Tier.Core ? "core" : "edge";
        KubernetesOptions.WorkloadOptions workload = _options.Workloads.FirstOrDefault(w => w.Tier == name)
            ?? throw new CapacityException(
                $"{ScalingOptions.Section}:Kubernetes:Workloads takes the workload of tier {name}.");
        string path = $"/apis/apps/v1/namespaces/{Escape(_options.Namespace)}/{workload.Kind}/"
            + $"{Escape(workload.Name)}/scale";
        for (int i = 0; i < Tries; i++)
        {
            JsonObject? scale = await SendAsync(HttpMethod.Get, path, null, "", cancellation) as JsonObject;
            if (scale?["spec"] is not JsonObject spec)
                throw new CapacityException($"{path}: the answer is no Scale.");
            // A workload of none says nothing.
            int before = spec["replicas"] is JsonValue value && value.TryGetValue(out int replicas) ? replicas : 0;
            int after = wanted(before);
            if (after == before)
                return before;
            spec["replicas"] = after;
            if (await SendAsync(
                HttpMethod.Put, path, scale, "application/json", cancellation, HttpStatusCode.Conflict) is not null)
                return after;
        }
        throw new CapacityException($"{path}: changed by others {Tries} times in a row.");
    }

    /// <returns>The answer; null: the status was <paramref name="accepted"/>.</returns>
    private async Task<JsonNode?> SendAsync(HttpMethod method, string path, JsonNode? body, string type,
        CancellationToken cancellation, HttpStatusCode accepted = HttpStatusCode.OK)
    {
        using CancellationTokenSource limit = new(options.Value.ProviderTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(
            limit.Token, cancellation);
        try
        {
            using HttpRequestMessage request = new(method, new Uri(new Uri(_options.Url), path));
            // Read each time: a service account's token is exchanged before it expires.
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Bearer", (await File.ReadAllTextAsync(_options.TokenFile, either.Token)).Trim());
            if (body is not null)
                request.Content = JsonContent.Create(body, new MediaTypeHeaderValue(type));
            using HttpResponseMessage answer = await _client.Value.SendAsync(request, either.Token);
            if (answer.IsSuccessStatusCode)
                return JsonNode.Parse(await answer.Content.ReadAsStringAsync(either.Token));
            if (answer.StatusCode == accepted)
                return null;
            throw new CapacityException($"{method} {path}: {(int)answer.StatusCode} {answer.ReasonPhrase}");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new CapacityException($"{method} {path}: no answer within {options.Value.ProviderTimeout}");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or UnauthorizedAccessException
            or CryptographicException || (e is IOException and not CapacityException))
        {
            throw new CapacityException($"{method} {path}: {e.Message}", e);
        }
    }

    private static string Escape(string part) => Uri.EscapeDataString(part);

    private static HttpClient Connect(KubernetesOptions options)
    {
        SocketsHttpHandler handler = new()
        {
            UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        X509Certificate2Collection authorities = [];
        authorities.ImportFromPemFile(options.AuthorityFile);
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        return new HttpClient(handler) { MaxResponseContentBufferSize = AnswerBytesMax };
    }
}
