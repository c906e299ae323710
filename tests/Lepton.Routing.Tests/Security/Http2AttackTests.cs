using Lepton.Routing.Tests.World;
using Lepton.Testing;
using Lepton.Testing.Fuzzing;

namespace Lepton.Routing.Tests.Security;

/// <summary>One router for the attacks.</summary>
public sealed class AttackedRouter : IAsyncLifetime
{
    private TestWorld? _world;

    internal TestWorld World => _world ?? throw new InvalidOperationException("not started");

    /// <summary>Attacks on a method of the gateway's own, and on one of a gRPC service.</summary>
    internal Http2Trial Trial(string path) => new(new Uri(World["eu-west"].Url),
        () => WrongLeaves.Right(World.Installation, "tenant/demo"), path, OrdinaryCallAsync);

    public async Task InitializeAsync()
    {
        _world = await TestWorld.StartAsync(["eu-west"]);
        await _world.AddNodeAsync("eu-west", "node-a", "ocr");
    }

    public Task DisposeAsync() => World.DisposeAsync().AsTask();

    private async Task OrdinaryCallAsync() => await World["eu-west"].Client.ModelInferAsync(
        TestWorld.Ask("ocr"), deadline: DateTime.UtcNow.AddSeconds(30));
}

/// <summary>C1: what HTTP/2 forbids is refused by a router, and floods of what it allows are borne.</summary>
public sealed class Http2AttackTests(AttackedRouter fixture) : IClassFixture<AttackedRouter>
{
    /// <summary>Router, node and client are one process here: what the flood itself needs is counted too.</summary>
    private const long MemoryGrowthMax = 256L << 20;

    private const string Gateway = "/inference.GRPCInferenceService/ServerLive";
    private const string Service = "/lepton.routing.v1.RoutingService/ListRegions";

    public static TheoryData<string> Violations => [.. Http2Attacks.Violations.Keys];

    public static TheoryData<string> Floods => [.. Http2Attacks.Floods.Keys];

    [Theory]
    [InlineData(Gateway)]
    [InlineData(Service)]
    public async Task Request_ByTheRules_IsServed(string path) => Assert.True(await fixture.Trial(path).ServesAsync());

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task Request_AgainstTheRules_IsNotServed(string name)
    {
        Assert.Null(await fixture.Trial(Gateway).ViolateAsync(name));
        Assert.Null(await fixture.Trial(Service).ViolateAsync(name));
    }

    [Theory]
    [MemberData(nameof(Floods))]
    public async Task Flood_GoodCallsAreServedAndMemoryIsBounded(string name) =>
        Assert.InRange(await fixture.Trial(Gateway).FloodAsync(name), long.MinValue, MemoryGrowthMax);

    [Theory]
    [InlineData(Gateway)]
    [InlineData(Service)]
    public async Task SlowBody_DeadlinePasses_IsAnswered(string path) =>
        Assert.Equal("4", await fixture.Trial(path).SlowAsync());
}
