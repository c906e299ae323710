using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Xds.Data.Orca.V3;
using Xds.Service.Orca.V3;

namespace Lepton.Inference.Tests;

/// <summary>OpenRcaService over real sockets: who may, how often, how many, and the end.</summary>
public sealed class LoadStreamTests : IAsyncLifetime
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    private readonly TestRepository models = new();
    private NodeHost? node;

    private NodeHost Node => node ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        models.Identity("id_FP32", "FP32");
        node = await NodeHost.StartAsync(models, new Dictionary<string, string?>
        {
            ["Inference:LoadStreamsMax"] = "1",
            ["Inference:LoadIntervalMinMilliseconds"] = "100",
            ["Inference:LoadIntervalMaxMilliseconds"] = "200",
        });
    }

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        models.Dispose();
    }

    [Theory]
    [InlineData(null, 100)]
    [InlineData(0.0, 100)]
    [InlineData(0.15, 150)]
    [InlineData(3_000_000_000.0, 200)] // a hundred years
    public async Task Stream_AnyInterval_IsMovedToTheBounds(double? seconds, int milliseconds)
    {
        using var call = Open(Node.Channel, seconds is { } s
            ? new Duration { Seconds = (long)s, Nanos = (int)(s % 1 * 1e9) }
            : null);
        Assert.True(await NextAsync(call));
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 4; i++)
            Assert.True(await NextAsync(call));

        // A busy machine makes it later, never sooner: a tick may follow a late one at once, hence one of four.
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(started);
        Assert.InRange(took.TotalMilliseconds, 3 * milliseconds, patience.TotalMilliseconds);
        Assert.InRange(call.ResponseStream.Current.MemUtilization, double.Epsilon, 1);
    }

    [Fact]
    public async Task Stream_BesideAnAnswer_SaysWhatItsTrailerSays()
    {
        // Made once a second for both: of a few pairs one falls within that second, and is one report.
        using var call = Open(Node.Channel, null);
        for (var i = 0; i < 20; i++)
        {
            using var infer = Node.InferAsync(Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4])));
            await infer;
            Assert.True(await NextAsync(call));
            if (infer.GetTrailers().GetValueBytes("endpoint-load-metrics-bin")!.AsSpan()
                .SequenceEqual(call.ResponseStream.Current.ToByteArray()))
                return;
        }

        Assert.Fail("The stream never said what the trailer said.");
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(1, 1_000_000_000)]
    public async Task Stream_NoDuration_IsRefused(long seconds, int nanos)
    {
        using var call = Open(Node.Channel, new Duration { Seconds = seconds, Nanos = nanos });

        await RefusedAsync(call, StatusCode.InvalidArgument, "FIELD_INVALID");
    }

    [Fact]
    public async Task Stream_TenantOrOtherRegion_IsRefused()
    {
        foreach (var shown in new[]
                 {
                     Node.Installation.Tenant("demo"), Node.Installation.Service("us-east", "routing"),
                 })
        {
            using var channel = Node.Installation.Channel(Node.Address, shown);
            using var call = Open(channel, null);

            await RefusedAsync(call, StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED");
        }
    }

    [Fact]
    public async Task Stream_OverTheLimit_IsRefusedUntilAnotherEnds()
    {
        using (var first = Open(Node.Channel, null))
        {
            Assert.True(await NextAsync(first));
            using var second = Open(Node.Channel, null);
            await RefusedAsync(second, StatusCode.ResourceExhausted, "LOAD_STREAMS_FULL");
        }

        await FreeAsync();
    }

    [Fact]
    public async Task Stream_NodeStops_Ends()
    {
        using var call = Open(Node.Channel, null);
        Assert.True(await NextAsync(call));
        var stopping = Node.StopAsync();

        var end = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await NextAsync(call))
            {
            }
        });
        Assert.Equal((StatusCode.Unavailable, "NODE_DRAINING"), (end.StatusCode, RpcErrors.ReasonOf(end)));
        await stopping.WaitAsync(patience);
    }

    /// <summary>Until the node has seen that the last stream ended.</summary>
    private async Task FreeAsync()
    {
        using CancellationTokenSource limit = new(patience);
        while (true)
        {
            using var next = Open(Node.Channel, null);
            try
            {
                Assert.True(await next.ResponseStream.MoveNext(limit.Token));
                return;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
            {
                // Not yet.
            }
        }
    }

    private static AsyncServerStreamingCall<OrcaLoadReport> Open(GrpcChannel channel, Duration? interval) =>
        new OpenRcaService.OpenRcaServiceClient(channel).StreamCoreMetrics(
            new OrcaLoadReportRequest { ReportInterval = interval });

    private static Task<bool> NextAsync(AsyncServerStreamingCall<OrcaLoadReport> call) =>
        call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(patience);

    private static async Task RefusedAsync(
        AsyncServerStreamingCall<OrcaLoadReport> call, StatusCode status, string reason)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => NextAsync(call));
        Assert.Equal((status, reason), (error.StatusCode, RpcErrors.ReasonOf(error)));
    }
}
