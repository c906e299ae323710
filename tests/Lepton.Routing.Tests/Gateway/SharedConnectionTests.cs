using System.Globalization;
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
using Xunit.Abstractions;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>
/// C1: tenants share a router's connection to a node. Whatever one of them does wrong, the connection goes on: the call
/// of another, open meanwhile, is answered, and was sent once.
/// </summary>
public sealed class SharedConnectionTests(ITestOutputHelper output) : IAsyncLifetime
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

    /// <summary>What a tenant can say in metadata, and what the gateway says to it; null: it goes on.</summary>
    public static TheoryData<int, string, StatusCode?> Saying => new()
    {
        { 70, "v", null },
        { 90, "v", StatusCode.InvalidArgument },
        { 1, new string('v', 20_000), null },
        { 1, new string('v', 28_000), StatusCode.InvalidArgument },
        { 1, "\t\u00E9\u4E2D\U0001F600", null },
        { 70, new string('\u4E2D', 80), null }, // three bytes each
        { 70, new string('\u4E2D', 110), StatusCode.InvalidArgument },
    };

    [Theory]
    [MemberData(nameof(Saying))]
    public async Task Metadata_OfEveryKind_GoesOnOrIsRefused(int count, string value, StatusCode? refused) =>
        await UnharmedAsync(async () =>
        {
            HttpResponseMessage answer = await PostAsync(Damage.Frame(TestWorld.Ask("ocr").ToByteArray()), headers =>
            {
                for (int i = 0; i < count; i++)
                    headers.Add($"x-said-{i}", value);
            });
            string status = (answer.Headers.TryGetValues("grpc-status", out IEnumerable<string>? values) ? values
                : answer.TrailingHeaders.GetValues("grpc-status")).Single();
            Assert.Equal(refused ?? StatusCode.OK, (StatusCode)int.Parse(status, CultureInfo.InvariantCulture));
        });

    [Fact]
    public async Task Call_GivenUpAtAnyTime_EndsNoOther()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        await UnharmedAsync(async () =>
        {
            output.WriteLine($"seed {seed}");
            for (int round = 0; round < 40; round++)
                await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => random.Next(3) switch
                {
                    0 => GiveUpStreamAsync(random.Next(8)),
                    _ => GiveUpAsync(random.Next(2_000_000), random.Next(8)),
                }));
        });
    }

    /// <summary>Everything else that can be wrong, each with another seed than the router's own fuzz.</summary>
    [Fact]
    public async Task Requests_WrongInEveryWay_EndNoOther()
    {
        Uri router = new(World[Region].Url);
        using HttpMessageInvoker client = FuzzTarget.Connection(
            World.Installation, World.Installation.Tenant("other"));
        Fuzzer fuzzer = new(
            [.. FuzzTarget.Of(GRPCInferenceService.Descriptor, client, router, notOffered: FuzzTarget.NeverOffered)],
            ["ocr", "1"], $"{typeof(SharedConnectionTests).FullName}.{nameof(Requests_WrongInEveryWay_EndNoOther)}");
        string wrong = "";
        await UnharmedAsync(async () => wrong = await fuzzer.RunAsync(seed: 20261126, cases: 700));
        Assert.True(wrong.Length == 0, wrong);
    }

    private async Task GiveUpAsync(int bytes, int milliseconds)
    {
        using CancellationTokenSource source = new(milliseconds);
        try
        {
            await InferAsync([], bytes, source.Token);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled)
        {
            // In the middle of something.
        }
    }

    private async Task GiveUpStreamAsync(int milliseconds)
    {
        using CancellationTokenSource source = new(milliseconds);
        using var call = Other.ModelStreamInfer(cancellationToken: source.Token);
        try
        {
            while (true)
            {
                await call.RequestStream.WriteAsync(TestWorld.Ask("ocr", 20_000), CancellationToken.None);
                await call.ResponseStream.MoveNext(CancellationToken.None);
            }
        }
        catch (Exception e) when (source.IsCancellationRequested
            && e is RpcException or InvalidOperationException or OperationCanceledException)
        {
            // In the middle of something.
        }
    }

    private async Task<HttpResponseMessage> PostAsync(byte[] body, Action<HttpRequestHeaders> add)
    {
        using SocketsHttpHandler handler = World.Installation.Handler(World.Installation.Tenant("other"));
        handler.RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8;
        using HttpClient client = new(handler);
        using HttpRequestMessage request = new(HttpMethod.Post,
            World[Region].Url + "/inference.GRPCInferenceService/ModelInfer")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Add("te", "trailers");
        add(request.Headers);
        return await client.SendAsync(request);
    }

    private Task<ModelInferResponse> InferAsync(
        Metadata headers, int bytes = 0, CancellationToken cancellation = default) =>
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
