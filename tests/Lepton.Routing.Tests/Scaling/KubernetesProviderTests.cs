using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Lepton.Routing.Scaling;
using Lepton.Routing.Scaling.Providers;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>
/// E1: the wire form towards Kubernetes' API (autoscaling/v1 Scale), by a real HTTPS server that answers as the API
/// server does: resource versions, conflicts, bearer tokens.
/// </summary>
public sealed class KubernetesProviderTests : IAsyncLifetime
{
    private const string ScalePath = "/apis/apps/v1/namespaces/lepton/deployments/inference-core/scale";

    private readonly TestInstallation _installation = new();
    private readonly ConcurrentQueue<string> _requests = [];
    private readonly string _tokenFile = Path.GetTempFileName();
    private WebApplication? _app;
    private int _replicas = 2, _version = 7, _conflicts;

    public async Task InitializeAsync()
    {
        (string certificate, string key) = _installation.Service("eu-west", "kubernetes");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0,
            l => l.UseHttps(X509Certificate2.CreateFromPemFile(certificate, key))));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        await File.WriteAllTextAsync(_tokenFile, "token-1\n");
    }

    public async Task DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        _installation.Dispose();
        File.Delete(_tokenFile);
    }

    [Fact]
    public async Task Grow_Twice_PutsTheReplicasOnceWithTheVersionThatWasRead()
    {
        using KubernetesProvider provider = Provider();

        Assert.Equal(3, await provider.GrowAsync(Tier.Core, 5, ["a", "b"], [], CancellationToken.None));
        Assert.Equal(3, await provider.GrowAsync(Tier.Core, 5, ["a", "b"], [], CancellationToken.None));

        Assert.Equal([$"GET {ScalePath}", $"PUT {ScalePath} 5 at 7", $"GET {ScalePath}"], _requests);
    }

    [Fact]
    public async Task Grow_OneIsLeaving_CountsItBesides()
    {
        using KubernetesProvider provider = Provider();

        Assert.Equal(1, await provider.GrowAsync(Tier.Core, 2, ["a"], ["b"], CancellationToken.None));

        Assert.Equal(3, _replicas);
    }

    [Fact]
    public async Task Stop_OfANode_MarksItsPodAndLowersTheReplicas()
    {
        using KubernetesProvider provider = Provider();

        Assert.True(await provider.StopAsync(Tier.Core, "inference-core-x", 1, CancellationToken.None));

        Assert.Equal(
        [
            "PATCH /api/v1/namespaces/lepton/pods/inference-core-x application/merge-patch+json "
                + """{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-1000"}}}""",
            $"GET {ScalePath}", $"PUT {ScalePath} 1 at 7",
        ], _requests);
    }

    [Fact]
    public async Task Grow_SomebodyElseWasBefore_ReadsAgain()
    {
        _conflicts = 1;
        using KubernetesProvider provider = Provider();

        Assert.Equal(1, await provider.GrowAsync(Tier.Core, 3, ["a", "b"], [], CancellationToken.None));

        Assert.Equal(4, _requests.Count);
        Assert.Equal(3, _replicas);
    }

    [Fact]
    public async Task Grow_TokenExpiredOrAuthorityUnknown_SaysSo()
    {
        using KubernetesProvider provider = Provider();
        await File.WriteAllTextAsync(_tokenFile, "old");
        Assert.Contains("401", (await Assert.ThrowsAsync<CapacityException>(
            () => provider.GrowAsync(Tier.Core, 3, [], [], CancellationToken.None))).Message, StringComparison.Ordinal);

        using TestInstallation stranger = new();
        using KubernetesProvider distrusting = Provider(stranger.AuthorityFile);
        await Assert.ThrowsAsync<CapacityException>(
            () => distrusting.GrowAsync(Tier.Core, 3, [], [], CancellationToken.None));
        Assert.Equal(2, _replicas);
    }

    private KubernetesProvider Provider(string? authority = null) => new(Options.Create(new ScalingOptions
    {
        Kubernetes =
        {
            Url = _app!.Services.GetRequiredService<IServer>().Features
                .GetRequiredFeature<IServerAddressesFeature>().Addresses.Single(),
            TokenFile = _tokenFile, AuthorityFile = authority ?? _installation.AuthorityFile, Namespace = "lepton",
            Workloads = [new() { Tier = "core", Name = "inference-core" }],
        },
    }), TimeProvider.System);

    private async Task AnswerAsync(HttpContext http)
    {
        string line = $"{http.Request.Method} {http.Request.Path}";
        if (http.Request.Headers.Authorization != "Bearer token-1")
        {
            http.Response.StatusCode = 401;
            return;
        }
        using StreamReader reader = new(http.Request.Body);
        string text = await reader.ReadToEndAsync();
        if (http.Request.Method == "PATCH")
        {
            _requests.Enqueue($"{line} {http.Request.ContentType} {text}");
            await http.Response.WriteAsync("{}");
            return;
        }
        if (http.Request.Method == "PUT")
        {
            JsonNode put = JsonNode.Parse(text)!;
            _requests.Enqueue($"{line} {put["spec"]!["replicas"]} at {put["metadata"]!["resourceVersion"]}");
            if (_conflicts-- > 0)
            {
                http.Response.StatusCode = 409;
                return;
            }
            (_replicas, _version) = ((int)put["spec"]!["replicas"]!, _version + 1);
        }
        else
            _requests.Enqueue(line);
        await http.Response.WriteAsJsonAsync(new
        {
            kind = "Scale", apiVersion = "autoscaling/v1",
            metadata = new { name = "inference-core", @namespace = "lepton", resourceVersion = $"{_version}" },
            spec = new { replicas = _replicas }, status = new { replicas = _replicas, selector = "app=inference" },
        });
    }
}
