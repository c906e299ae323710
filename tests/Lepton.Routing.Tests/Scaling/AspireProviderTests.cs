using System.Collections.Concurrent;
using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Lepton.Routing.Scaling;
using Lepton.Routing.Scaling.Providers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tier = Lepton.Routing.V1.Tier;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>E1: the wire form towards Aspire's resource service, by a real gRPC server of its contract.</summary>
public sealed class AspireProviderTests : IAsyncLifetime
{
    private static readonly string[] Two = ["node-a", "node-b"];

    private readonly Host _host = new();
    private readonly string _keyFile = Path.GetTempFileName();
    private WebApplication? _app;
    private AspireProvider? _provider;

    private AspireProvider Provider => _provider ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
            k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(_host);
        _app = builder.Build();
        _app.MapGrpcService<Host>();
        await _app.StartAsync();
        int port = new Uri(_app.Services.GetRequiredService<IServer>().Features
            .GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()).Port;
        await File.WriteAllTextAsync(_keyFile, "the-key\n");
        _provider = new AspireProvider(Options.Create(new ScalingOptions
        {
            Aspire =
            {
                Url = $"http://127.0.0.1:{port}", KeyFile = _keyFile,
                Standby =
                [
                    new() { Resource = "standby-1" }, new() { Resource = "standby-2" },
                    new() { Resource = "standby-e", Tier = "edge" },
                ],
            },
        }), TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _provider?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        File.Delete(_keyFile);
    }

    [Fact]
    public async Task Grow_ToThree_StartsOneStandbyByItsInstancesName()
    {
        Assert.Equal(1, await Provider.GrowAsync(Tier.Core, 3, Two, [], CancellationToken.None));
        Assert.Equal(["start standby-1-xyz Project"], _host.Commands);

        // The same said again, by the other router: it starts, and reports later.
        Assert.Equal(1, await Provider.GrowAsync(Tier.Core, 3, Two, [], CancellationToken.None));
        Assert.Single(_host.Commands);
    }

    [Fact]
    public async Task Grow_BeyondWhatThereIs_StartsAllOfTheTier()
    {
        Assert.Equal(2, await Provider.GrowAsync(Tier.Core, 9, Two, [], CancellationToken.None));
        Assert.Equal(["start standby-1-xyz Project", "start standby-2-xyz Project"], _host.Commands);
    }

    [Fact]
    public async Task Stop_OfStandbyAndOfAnother_StopsOnlyTheStandby()
    {
        _host.States["standby-1"] = "Running";

        Assert.True(await Provider.StopAsync(Tier.Core, "standby-1", 2, CancellationToken.None));
        Assert.False(await Provider.StopAsync(Tier.Core, "node-a", 2, CancellationToken.None));

        Assert.Equal(["stop standby-1-xyz Project"], _host.Commands);
    }

    [Fact]
    public async Task Grow_WrongKeyRefusalOrNoFile_SaysSo()
    {
        _host.Refusal = "it has no executable";
        CapacityException refused = await Assert.ThrowsAsync<CapacityException>(
            () => Provider.GrowAsync(Tier.Core, 3, Two, [], CancellationToken.None));
        Assert.Contains("it has no executable", refused.Message, StringComparison.Ordinal);

        await File.WriteAllTextAsync(_keyFile, "another");
        Assert.Contains("Unauthenticated", (await Assert.ThrowsAsync<CapacityException>(
            () => Provider.GrowAsync(Tier.Core, 3, Two, [], CancellationToken.None))).Message,
            StringComparison.Ordinal);

        File.Delete(_keyFile);
        Assert.Contains("KeyFile", (await Assert.ThrowsAsync<CapacityException>(
            () => Provider.GrowAsync(Tier.Core, 3, Two, [], CancellationToken.None))).Message,
            StringComparison.Ordinal);
    }

    private sealed class Host : DashboardService.DashboardServiceBase
    {
        public ConcurrentDictionary<string, string> States { get; } = new()
        {
            ["node-a"] = "Running", ["node-b"] = "Running", ["standby-1"] = "NotStarted",
            ["standby-2"] = "Exited", ["standby-e"] = "NotStarted",
        };

        public ConcurrentQueue<string> Commands { get; } = [];

        public string? Refusal { get; set; }

        public override async Task WatchResources(WatchResourcesRequest request,
            IServerStreamWriter<WatchResourcesUpdate> responseStream, ServerCallContext context)
        {
            Check(context);
            WatchResourcesUpdate update = new() { InitialData = new InitialResourceData() };
            update.InitialData.Resources.AddRange(States.OrderBy(s => s.Key).Select(s => new Resource
            {
                Name = s.Key + "-xyz", DisplayName = s.Key, ResourceType = "Project", State = s.Value, Uid = s.Key,
            }));
            await responseStream.WriteAsync(update);
        }

        public override Task<ResourceCommandResponse> ExecuteResourceCommand(
            ResourceCommandRequest request, ServerCallContext context)
        {
            Check(context);
            if (Refusal is not null)
                return Task.FromResult(new ResourceCommandResponse
                {
                    Kind = ResourceCommandResponseKind.Failed, Message = Refusal,
                });
            Commands.Enqueue($"{request.CommandName} {request.ResourceName} {request.ResourceType}");
            States[request.ResourceName.Replace("-xyz", "", StringComparison.Ordinal)] =
                request.CommandName == "start" ? "Starting" : "Exited";
            return Task.FromResult(new ResourceCommandResponse { Kind = ResourceCommandResponseKind.Succeeded });
        }

        private static void Check(ServerCallContext context)
        {
            if (context.RequestHeaders.GetValue("x-resource-service-api-key") != "the-key")
                throw new RpcException(new Status(StatusCode.Unauthenticated, "wrong key"));
        }
    }
}
