using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Testing.Fuzzing;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>
/// C1: tenants share a router's connection to a node. Whatever one of them does wrong, the connection goes on: the call
/// of another, open meanwhile, is answered, and was sent once.
/// </summary>
public sealed class SharedConnectionTests : IAsyncLifetime
{
    private const string Region = "eu-west", Held = "held";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _heldCalls;
    private Func<ModelInferRequest, ModelInferResponse> _answer = request => new() { ModelName = request.ModelName };
    private TestWorld? _world;
    private FakeNode? _node;
    private GrpcChannel? _other;

    private TestWorld World => _world ?? throw new InvalidOperationException("not started");

    private FakeNode Node => _node ?? throw new InvalidOperationException("not started");

    /// <summary>The tenant that does wrong.</summary>
    private GRPCInferenceService.GRPCInferenceServiceClient Other => new(_other);

    public async Task InitializeAsync()
    {
        _world = await TestWorld.StartAsync([Region]);
        _node = await _world.AddNodeAsync(Region, "node-a", r => r.Models[0].QueueMax = 1000, "ocr");
        _node.Infer = async (request, context) =>
        {
            if (request.Id != Held)
                return _answer(request);
            Interlocked.Increment(ref _heldCalls);
            _reached.TrySetResult();
            await _release.Task.WaitAsync(context.CancellationToken);
            return new ModelInferResponse { Id = Held };
        };
        _other = _world.Installation.Channel(_world[Region].Url, _world.Installation.Tenant("other"));
    }

    public async Task DisposeAsync()
    {
        _release.TrySetResult();
        _other?.Dispose();
        await World.DisposeAsync();
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(300_000)]
    [InlineData(3_000_000)]
    public async Task Error_LongerThanAHeaderBlock_EndsItsCallAlone(int length)
    {
        _answer = _ => throw new RpcException(new Status(StatusCode.InvalidArgument, new string('e', length)));
        await UnharmedAsync(() => Assert.ThrowsAsync<RpcException>(() => InferAsync([])));
    }

    private Task InferAsync(Metadata headers, int bytes = 0, CancellationToken cancellation = default) =>
        Other.ModelInferAsync(TestWorld.Ask("ocr", bytes), headers, DateTime.UtcNow + Patience, cancellation)
            .ResponseAsync;

    private async Task UnharmedAsync(Func<Task> wrong)
    {
        ModelInferRequest request = TestWorld.Ask("ocr");
        request.Id = Held;
        Task<ModelInferResponse> held = World[Region].Client.ModelInferAsync(
            request, deadline: DateTime.UtcNow.AddMinutes(3)).ResponseAsync;
        await _reached.Task.WaitAsync(Patience);

        await wrong();

        Assert.False(held.IsCompleted);
        _answer = request => new() { Id = request.Id };
        await InferAsync([]);
        _release.SetResult();
        Assert.Equal(Held, (await held).Id);
        Assert.Equal(1, _heldCalls);
        Assert.Single(Node.Connections);
    }
}
