using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Balancer;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// Unary calls of one data class, one after the other by each of a few workers, from an ordinary gRPC client: both
/// gateways of a region, taking turns, and gRPC's retry policy, as services/Lepton.Routing/README.md tells clients.
/// </summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private const int Workers = 4;

    private readonly CancellationTokenSource stop = new();
    private readonly ServiceProvider services;
    private readonly GrpcChannel channel;
    private readonly string dataClass;
    private readonly Task work;
    private int answered;

    public SteadyLoad(IEnumerable<string> gateways, SocketsHttpHandler handler, string dataClass)
    {
        this.dataClass = dataClass;
        BalancerAddress[] addresses =
            [.. gateways.Select(url => new Uri(url)).Select(url => new BalancerAddress(url.Host, url.Port))];
        services = new ServiceCollection()
            .AddSingleton<ResolverFactory>(new StaticResolverFactory(_ => addresses)).BuildServiceProvider();
        channel = GrpcChannel.ForAddress("static:///gateways", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            Credentials = ChannelCredentials.SecureSsl,
            ServiceProvider = services,
            ServiceConfig = Config(),
            MaxReconnectBackoff = TimeSpan.FromSeconds(2),
        });
        work = Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync()));
    }

    public int Answered => Volatile.Read(ref answered);

    /// <summary>Every call that failed, by how it did.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await work;
        channel.Dispose();
        await services.DisposeAsync();
        stop.Dispose();
    }

    private static ServiceConfig Config() => new()
    {
        LoadBalancingConfigs = { new RoundRobinConfig() },
        MethodConfigs =
        {
            new MethodConfig
            {
                Names = { MethodName.Default },
                RetryPolicy = new RetryPolicy
                {
                    MaxAttempts = 5,
                    InitialBackoff = TimeSpan.FromMilliseconds(100),
                    MaxBackoff = TimeSpan.FromSeconds(1),
                    BackoffMultiplier = 3,
                    RetryableStatusCodes = { StatusCode.Unavailable },
                },
            },
        },
    };

    private async Task WorkAsync()
    {
        GRPCInferenceService.GRPCInferenceServiceClient client = new(channel);
        using PeriodicTimer pace = new(TimeSpan.FromMilliseconds(50));
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await client.ModelInferAsync(Request(), new Metadata { { "x-lepton-data-class", dataClass } },
                    DateTime.UtcNow.AddSeconds(30));
                Interlocked.Increment(ref answered);
            }
            catch (RpcException e)
            {
                Failures.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {e.StatusCode}: {e.Status.Detail}");
            }
            await pace.WaitForNextTickAsync();
        }
    }

    internal static ModelInferRequest Request() => new()
    {
        ModelName = "language-id",
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor
            {
                Name = "text",
                Datatype = "BYTES",
                Shape = { 1 },
                Contents = new InferTensorContents
                {
                    BytesContents = { ByteString.CopyFromUtf8("Wo ist das Paket, das gestern kommen sollte?") },
                },
            },
        },
    };
}
