using Grpc.Core;
using Lepton.Testing;
using OpenInference;

namespace Lepton.Routing.Tests.World;

/// <summary>Routers and nodes of one installation.</summary>
internal sealed class TestWorld : IAsyncDisposable
{
    private readonly List<FakeNode> _nodes = [];
    private readonly Dictionary<string, TestRouter[]> _routers = [];
    private readonly Dictionary<string, string[]> _urls;

    private TestWorld(int routers, params string[] regions) => _urls = regions.ToDictionary(
        r => r, _ => Enumerable.Range(0, routers).Select(_ => TestRouter.FreeUrl()).ToArray());

    public TestInstallation Installation { get; } = new();

    public IEnumerable<TestRouter> Routers => _routers.Values.SelectMany(r => r);

    /// <summary>The region's first router.</summary>
    public TestRouter this[string region] => _routers[region][0];

    public TestRouter this[string region, int router] => _routers[region][router];

    /// <summary>
    /// Starts a router (or several) in each region; another region named in <paramref name="absent"/> exists and
    /// doesn't answer.
    /// </summary>
    public static async Task<TestWorld> StartAsync(
        string[] regions, string[]? absent = null, Dictionary<string, string?>? settings = null,
        Action<Microsoft.Extensions.DependencyInjection.IServiceCollection>? change = null, int routers = 1)
    {
        TestWorld world = new(routers, [.. regions, .. absent ?? []]);
        foreach (string region in regions)
        {
            TestRouter[] pair = world._routers[region] = new TestRouter[routers];
            for (int i = 0; i < routers; i++)
                pair[i] = await TestRouter.StartAsync(world.Installation, region, world._urls, i, settings, change);
        }
        return world;
    }

    public Task<FakeNode> AddNodeAsync(string region, string id, params string[] models) =>
        AddNodeAsync(region, id, shape: null, models);

    /// <param name="shape">Changes what the node says of itself before it says it.</param>
    public async Task<FakeNode> AddNodeAsync(
        string region, string id, Action<V1.NodeReport>? shape, params string[] models)
    {
        FakeNode node = await FakeNode.StartAsync(Installation, id, region, shape, models);
        _nodes.Add(node);
        foreach (TestRouter router in _routers[region])
            await node.ReportToAsync(Installation, router.Url);
        return node;
    }

    /// <summary>Waits until a region's routers see the other's models by every way into it.</summary>
    public Task SeesAsync(string region, string other, string model) => Task.WhenAll(_routers[region].Select(router =>
        router.UntilAsync(s => s.Regions.Count(r => r.Name == other && r.Live && r.Connected && r.RoundTripSeconds > 0
            && r.Models.Any(m => m.Summary.Name == model)) == _urls[other].Length,
        $"{region} sees {model} in {other}")));

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
        foreach (TestRouter router in _routers.Values.SelectMany(r => r))
            await router.DisposeAsync();
        foreach (FakeNode node in _nodes)
            await node.DisposeAsync();
        Installation.Dispose();
    }
}
