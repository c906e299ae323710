using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: any OpenID Connect authority by configuration alone; this one is npm's oidc-provider.</summary>
[Collection("server")]
public sealed class OidcProviderTests : IAsyncLifetime
{
    private readonly TestInstallation installation = new();
    private Process? provider;
    private string issuer = "";

    public async Task InitializeAsync()
    {
        var script = MetricList.RepositoryFile("tests/Lepton.ServiceDefaults.Tests/oidc-provider.mjs");
        var packages = MetricList.RepositoryFile(".lepton/tools/oidc-provider");
        var (certificate, key) = installation.Service("eu-west", "identity");
        provider = Process.Start(new ProcessStartInfo("node", [script, packages, certificate, key])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("node did not start.");
        var errors = provider.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        issuer = await provider.StandardOutput.ReadLineAsync(patience.Token)
            ?? throw new InvalidOperationException($"oidc-provider ended: {await errors}");
    }

    public Task DisposeAsync()
    {
        provider?.Kill();
        provider?.Dispose();
        installation.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Call_TokenOfAnIndependentAuthority_NamesItsClientAndTenant()
    {
        installation.SignAccess("""
            {
              "version": 1,
              "assignments": [{ "principal": "npm/invoices", "role": "viewer", "regions": ["eu-west"] }],
              "tenants": {}
            }
            """);
        await using var app = await StartAsync();
        var token = await TokenAsync();
        using var channel = installation.Channel(app.Urls.Single(), null);
        var client = new RoutingService.RoutingServiceClient(channel);

        var answer = await client.ListNodesAsync(
            new ListNodesRequest(), new Metadata { { "authorization", "Bearer " + token } });
        var me = await new Platform.V1.AccessService.AccessServiceClient(channel).WhoAmIAsync(
            new Platform.V1.WhoAmIRequest(), new Metadata { { "authorization", "Bearer " + token } });

        Assert.Equal("npm/invoices", answer.NextPageToken);
        Assert.Equal(("npm/invoices", "harbour-bank"), (me.Principal, me.Tenant));
        var other = await Assert.ThrowsAsync<RpcException>(async () => await client.PlanRouteAsync(
            new PlanRouteRequest(), new Metadata { { "authorization", "Bearer " + token } }));
        Assert.Equal(StatusCode.PermissionDenied, other.StatusCode);
    }

    private async Task<string> TokenAsync()
    {
        using var http = new HttpClient(installation.Handler(null));
        using var request = new HttpRequestMessage(HttpMethod.Post, issuer + "/token")
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("scope", "infer")]),
            Headers =
            {
                Authorization = new AuthenticationHeaderValue(
                    "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes("invoices:for-this-test-only"))),
            },
        };
        using var answer = await http.SendAsync(request);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.IsSuccessStatusCode, body.ToString());
        return body.GetProperty("access_token").GetString()!;
    }

    private async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", "routing"));
        builder.Configuration["Lepton:Tokens:Issuers:0:Name"] = "npm";
        builder.Configuration["Lepton:Tokens:Issuers:0:Issuer"] = issuer;
        builder.AddServiceDefaults("routing");
        var app = builder.Build();
        app.MapServiceDefaults(ServerFixture.NoOthers, RoutingService.Descriptor);
        app.MapGrpcService<ServerFixture.Answers>();
        await app.StartAsync();
        return app;
    }
}
