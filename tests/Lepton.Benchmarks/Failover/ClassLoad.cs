using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Cli.Gateway;
using OpenInference;

namespace Lepton.Benchmarks.Failover;

/// <summary>
/// Steady unary calls of one data class by a .NET gRPC client, configured as services/Lepton.Routing/README.md tells
/// clients: every allowed gateway's address, and gRPC's own retry policy.
/// </summary>
internal sealed class ClassLoad : IAsyncDisposable
{
    private const int Workers = 4;
    private static readonly TimeSpan Think = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _stop = new();
    private readonly GrpcChannel _channel;
    private readonly Task _work;
    private readonly ConcurrentDictionary<string, (int Times, TimeSpan First, TimeSpan Last)> _failures = new();
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private int _calls, _failed;
    private long _slowestTicks;

    /// <param name="dataClass">What each call is marked with.</param>
    /// <param name="regions">The regions that may serve it.</param>
    /// <param name="gateways">Every allowed gateway, nearest first.</param>
    /// <param name="handler">The tenant's connections.</param>
    public ClassLoad(
        string dataClass, IReadOnlyList<string> regions, IReadOnlyList<Uri> gateways, SocketsHttpHandler handler)
    {
        (DataClass, Regions) = (dataClass, regions);
        _channel = GatewayAddresses.Open(gateways, takeTurns: regions.Count == 1, handler);
        GRPCInferenceService.GRPCInferenceServiceClient client = new(_channel);
        _work = Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(client)));
    }

    public string DataClass { get; }

    public IReadOnlyList<string> Regions { get; }

    public int Calls => Volatile.Read(ref _calls);

    public int Failed => Volatile.Read(ref _failed);

    public TimeSpan Slowest => TimeSpan.FromTicks(Volatile.Read(ref _slowestTicks));

    /// <summary>How calls failed, how often, and when for the first and the last time since the load began.</summary>
    public IReadOnlyDictionary<string, (int Times, TimeSpan First, TimeSpan Last)> Failures => _failures;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_startedAt);

    /// <summary>The node that served last.</summary>
    public string LastNode { get; private set; } = "";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _channel.Dispose();
        _stop.Dispose();
    }

    private async Task WorkAsync(GRPCInferenceService.GRPCInferenceServiceClient client)
    {
        while (!_stop.IsCancellationRequested)
        {
            // A call that was begun is ended: its outcome counts.
            long started = Stopwatch.GetTimestamp();
            try
            {
                using AsyncUnaryCall<ModelInferResponse> call = client.ModelInferAsync(
                    Request(), new Metadata { { "x-lepton-data-class", DataClass } }, DateTime.UtcNow + CallMax);
                await call;
                LastNode = call.GetTrailers().GetValue("x-lepton-node") ?? "";
            }
            catch (RpcException e)
            {
                Interlocked.Increment(ref _failed);
                TimeSpan now = Elapsed;
                _failures.AddOrUpdate($"{e.StatusCode}: {e.Status.Detail}",
                    (1, now, now), (_, seen) => (seen.Times + 1, seen.First, now));
            }
            Interlocked.Increment(ref _calls);
            long took = Stopwatch.GetElapsedTime(started).Ticks, slowest = Volatile.Read(ref _slowestTicks);
            while (took > slowest)
                slowest = Interlocked.CompareExchange(ref _slowestTicks, took, slowest) is var seen && seen == slowest
                    ? took : seen;
            await Task.Delay(Think, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static ModelInferRequest Request() => new()
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
