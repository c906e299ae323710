using Grpc.Reflection.V1;
using Lepton.Routing.Tests.World;
using Lepton.Testing;
using Lepton.Testing.Fuzzing;
using OpenInference;

namespace Lepton.Routing.Tests.Security;

/// <summary>C1: whatever comes, a router answers it rightly, stays up, and takes bounded memory.</summary>
public sealed class FuzzTests : IAsyncLifetime
{
    /// <summary>Router, node and client are one process here, and other tests run beside it in that one.</summary>
    private const long MemoryGrowthMax = 1280L << 20;

    private const string Region = "eu-west";
    private readonly List<HttpMessageInvoker> _clients = [];
    private TestWorld? _world;

    private TestWorld World => _world ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        _world = await TestWorld.StartAsync(
            [Region], ["us-east"], new Dictionary<string, string?> { ["Lepton:Reflection"] = "true" });
        await _world.AddNodeAsync(Region, "node-a", "ocr");
    }

    public async Task DisposeAsync()
    {
        foreach (HttpMessageInvoker client in _clients)
            client.Dispose();
        await World.DisposeAsync();
    }

    [Fact]
    public Task EveryMethod_WrongRequests_AreAnsweredRightly() => RunAsync(
        seed: 20261125, cases: 1_100, nameof(EveryMethod_WrongRequests_AreAnsweredRightly));

    [Fact]
    [Trait("Category", "Long")]
    public Task EveryMethod_ManyWrongRequests_AreAnsweredRightly() => RunAsync(
        seed: Environment.TickCount, cases: 10_000, nameof(EveryMethod_ManyWrongRequests_AreAnsweredRightly));

    private async Task RunAsync(int seed, int cases, string test)
    {
        Fuzzer fuzzer = new([.. Targets()],
            ["ocr", "xray", "node-x", "eu-west", "us-east", "a", "public", "demo", "1", "https://127.0.0.1:1"],
            $"{typeof(FuzzTests).FullName}.{test}");
        await OrdinaryCallAsync();
        long before = Environment.WorkingSet;

        string wrong = await fuzzer.RunAsync(seed, cases);

        Assert.True(wrong.Length == 0, wrong);
        await OrdinaryCallAsync();
        Assert.InRange(fuzzer.WorkingSetMax - before, long.MinValue, MemoryGrowthMax);
    }

    private IEnumerable<FuzzTarget> Targets()
    {
        TestInstallation pki = World.Installation;
        HttpMessageInvoker tenant = Client(pki.Tenant("demo"));
        Uri router = new(World[Region].Url);
        return
        [
            .. FuzzTarget.Of(GRPCInferenceService.Descriptor, tenant, router,
                notOffered: FuzzTarget.NeverOffered),
            .. FuzzTarget.Of(V1.RoutingService.Descriptor, tenant, router),
            .. FuzzTarget.Of(Grpc.Health.V1.Health.Descriptor, tenant, router),
            .. FuzzTarget.Of(ServerReflection.Descriptor, tenant, router),
            .. FuzzTarget.Of(V1.RegistryService.Descriptor, Client(pki.Service(Region, "inference")), router),
            .. FuzzTarget.Of(Platform.V1.AccessService.Descriptor, tenant, router),
            .. FuzzTarget.Of(Platform.V1.SecurityService.Descriptor, tenant, router),
            // One is for other regions' routers, the other for siblings.
            .. FuzzTarget.Of(V1.RegionService.Descriptor, Client(pki.Service("us-east", "routing")), router)
                .Where(target => target.Method.Name == "Exchange"),
            .. FuzzTarget.Of(V1.RegionService.Descriptor, Client(pki.Service(Region, "routing")), router)
                .Where(target => target.Method.Name == "ShareUse"),
        ];
    }

    private HttpMessageInvoker Client((string, string) shown)
    {
        HttpMessageInvoker client = FuzzTarget.Connection(World.Installation, shown);
        _clients.Add(client);
        return client;
    }

    private async Task OrdinaryCallAsync() => await World[Region].Client.ModelInferAsync(
        TestWorld.Ask("ocr"), deadline: DateTime.UtcNow.AddSeconds(30));
}
