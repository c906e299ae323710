using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>A service that takes the tokens of an authority, over real sockets, on a clock that a test moves.</summary>
public abstract class TokenServer : IAsyncLifetime
{
    private TestIssuer? issuer;
    private WebApplication? app;

    protected TestInstallation Installation { get; } = new();

    protected MovableTime Time { get; } = new(DateTimeOffset.UtcNow);

    protected TestIssuer Issuer => issuer ?? throw new InvalidOperationException("not started");

    protected string KeysFile => Path.Combine(Installation.Directory, "keys.json");

    public async Task InitializeAsync()
    {
        issuer = await TestIssuer.StartAsync(Installation);
        app = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (app is not null)
        {
            await app.StopAsync(); // or it would still write its keys' file while the folder is deleted
            await app.DisposeAsync();
        }
        await Issuer.DisposeAsync();
        Installation.Dispose();
    }

    protected WebApplication App => app ?? throw new InvalidOperationException("not started");

    protected string Address => AddressOf(App);

    protected static string AddressOf(WebApplication of) => of.Urls.Single();

    protected async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(Installation.Configuration("eu-west", "routing"));
        builder.Configuration.AddInMemoryCollection(Issuer.Configuration());
        builder.Configuration["Lepton:Tokens:Issuers:0:KeysFile"] = KeysFile;
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.AddServiceDefaults("routing");
        var started = builder.Build();
        started.MapServiceDefaults(ServerFixture.NoOthers, RoutingService.Descriptor);
        started.MapGrpcService<ServerFixture.Answers>();
        await started.StartAsync();
        return started;
    }

    protected async Task<string> CallAsync(string? token, (string, string)? shown = null, WebApplication? to = null)
    {
        using var channel = Installation.Channel(to is null ? Address : AddressOf(to), shown);
        var headers = token is null ? null : new Metadata { { "authorization", "Bearer " + token } };
        var answer = await new RoutingService.RoutingServiceClient(channel)
            .ListNodesAsync(new ListNodesRequest(), headers);
        return answer.NextPageToken;
    }

    protected static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested, "waited 30 s in vain");
            await Task.Delay(20);
        }
    }
}
