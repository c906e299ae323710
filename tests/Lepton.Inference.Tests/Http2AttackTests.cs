using Lepton.Testing;
using Lepton.Testing.Fuzzing;

namespace Lepton.Inference.Tests;

/// <summary>C1: what HTTP/2 forbids is refused by a node, and floods of what it allows are borne.</summary>
[Collection("node")]
public sealed class Http2AttackTests(NodeFixture fixture)
{
    /// <summary>Node and client are one process here: what the flood itself needs is counted too.</summary>
    private const long MemoryGrowthMax = 256L << 20;

    private const string Live = "/inference.GRPCInferenceService/ServerLive";

    public static TheoryData<string> Violations => [.. Http2Attacks.Violations.Keys];

    public static TheoryData<string> Floods => [.. Http2Attacks.Floods.Keys];

    private Http2Trial Trial => new(new Uri(fixture.Node.Address),
        () => WrongLeaves.Right(fixture.Node.Installation, "region/eu-west/service/routing"), Live, OrdinaryCallAsync);

    [Fact]
    public async Task Request_ByTheRules_IsServed() => Assert.True(await Trial.ServesAsync());

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task Request_AgainstTheRules_IsNotServed(string name) =>
        Assert.Null(await Trial.ViolateAsync(name));

    [Theory]
    [MemberData(nameof(Floods))]
    public async Task Flood_GoodCallsAreServedAndMemoryIsBounded(string name) =>
        Assert.InRange(await Trial.FloodAsync(name), long.MinValue, MemoryGrowthMax);

    [Fact]
    public async Task SlowBody_DeadlinePasses_IsAnswered() => Assert.Equal("4", await Trial.SlowAsync());

    private async Task OrdinaryCallAsync() => await fixture.Node.InferAsync(
        Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4])), DateTime.UtcNow.AddSeconds(30));
}
