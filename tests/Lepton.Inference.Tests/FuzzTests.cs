using Grpc.Health.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing.Fuzzing;
using OpenInference;
using Xds.Service.Orca.V3;

namespace Lepton.Inference.Tests;

/// <summary>C1: whatever comes, a node answers it rightly, stays up, and takes bounded memory.</summary>
public sealed class FuzzTests : IAsyncLifetime
{
    /// <summary>Node and client are one process here.</summary>
    private const long MemoryGrowthMax = 768L << 20;

    private const string Model = "fuzzed";
    private readonly TestRepository _models = new();
    private HttpMessageInvoker? _client;
    private NodeHost? _node;

    private NodeHost Node => _node ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        _models.Identity(Model, "FP32").Identity("ordinary", "FP32").Sum("sum");
        _node = await NodeHost.StartAsync(_models);
        _client = FuzzTarget.Connection(Node.Installation, Node.Installation.Service(NodeHost.Region, "routing"));
    }

    public async Task DisposeAsync()
    {
        _client?.Dispose();
        await Node.DisposeAsync();
        _models.Dispose();
    }

    [Fact]
    public Task EveryMethod_WrongRequests_AreAnsweredRightly() => RunAsync(
        seed: 20261125, cases: 800, nameof(EveryMethod_WrongRequests_AreAnsweredRightly));

    [Fact]
    [Trait("Category", "Long")]
    public Task EveryMethod_ManyWrongRequests_AreAnsweredRightly() => RunAsync(
        seed: Environment.TickCount, cases: 10_000, nameof(EveryMethod_ManyWrongRequests_AreAnsweredRightly));

    private async Task RunAsync(int seed, int cases, string test)
    {
        var client = _client ?? throw new InvalidOperationException("not started");
        var address = new Uri(Node.Address);
        var fuzzer = new Fuzzer(
            [
                .. FuzzTarget.Of(GRPCInferenceService.Descriptor, client, address, Headers, FuzzTarget.NeverOffered),
                .. FuzzTarget.Of(Health.Descriptor, client, address),
                .. FuzzTarget.Of(OpenRcaService.Descriptor, client, address),
            ],
            [Model, "x", "y", "FP32", "BYTES", "INT64", "1", "timeout"], $"{typeof(FuzzTests).FullName}.{test}");
        await OrdinaryCallAsync();
        var before = Environment.WorkingSet;

        var wrong = await fuzzer.RunAsync(seed, cases);

        Assert.True(wrong.Length == 0, wrong);
        await OrdinaryCallAsync();
        Assert.InRange(fuzzer.WorkingSetMax - before, long.MinValue, MemoryGrowthMax);
    }

    /// <summary>A fresh assertion for the model, so that what is wrong is the request and not who sends it.</summary>
    private IEnumerable<KeyValuePair<string, string>> Headers() =>
        [new(HopHeader.Name, Convert.ToBase64String(Node.Headers(Model)[0].ValueBytes))];

    private async Task OrdinaryCallAsync() => await Node.InferAsync(
        Messages.Request("ordinary", ("x", "FP32", [1], new byte[4])), DateTime.UtcNow.AddSeconds(30));
}
