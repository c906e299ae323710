using Grpc.Core;
using Lepton.Testing;
using OpenInference;

namespace Lepton.Routing.Tests.World;

/// <summary>Routers and nodes of one installation.</summary>
internal sealed class TestWorld : IAsyncDisposable
{
    private readonly List<FakeNode> _nodes = [];
    private readonly Dictionary<string, TestRouter> _routers = [];
    private readonly Dictionary<string, string> _urls;

    private TestWorld(params string[] regions) => _urls = regions.ToDictionary(r => r, _ => TestRouter.FreeUrl());

    public TestInstallation Installation { get; } = new();

    public TestRouter this[string region] => _routers[region];

    /// <summary>
    /// Starts a router in each region; another region named in <paramref name="absent"/> exists and doesn't answer.
    /// </summary>
    public static async Task<TestWorld> StartAsync(
        string[] regions, string[]? absent = null, Dictionary<string, string?>? settings = null,
        Action<Microsoft.Extensions.DependencyInjection.IServiceCollection>? change = null)
    {
        TestWorld world = new([.. regions, .. absent ?? []]);
        foreach (string region in regions)
            world._routers.Add(region,
                await TestRouter.StartAsync(world.Installation, region, world._urls, settings, change));
        return world;
    }

    public async Task<FakeNode> AddNodeAsync(string region, string id, params string[] models)
    {
        FakeNode node = await FakeNode.StartAsync(Installation, id, region, models);
        _nodes.Add(node);
        await node.ReportToAsync(Installation, _routers[region].Url);
        return node;
    }

    /// <summary>Waits until a region's router sees the other's models.</summary>
    public Task SeesAsync(string router, string other, string model) => _routers[router].UntilAsync(
        s => s.Regions.Any(r => r.Name == other && r.Live && r.Connected && r.RoundTripSeconds > 0
            && r.Models.Any(m => m.Summary.Name == model)),
        $"{router} sees {model} in {other}");

    public static Metadata Class(string dataClass) => new() { { "x-lepton-data-class", dataClass } };

    public static ModelInferRequest Ask(string model, int bytes = 0)
    {
        ModelInferRequest request = new() { ModelName = model, Id = "id-1" };
        if (bytes > 0)
            request.RawInputContents.Add(Google.Protobuf.ByteString.CopyFrom(new byte[bytes]));
        return request;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestRouter router in _routers.Values)
            await router.DisposeAsync();
        foreach (FakeNode node in _nodes)
            await node.DisposeAsync();
        Installation.Dispose();
    }
}
