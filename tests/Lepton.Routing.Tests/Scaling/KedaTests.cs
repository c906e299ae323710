using Externalscaler;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>E1: what KEDA asks, over the router's port with mutual TLS.</summary>
public sealed class KedaTests
{
    [Fact]
    public async Task Scaler_AskedAsKedaDoes_SaysHowManyNodes()
    {
        await using TestWorld world = await StartAsync();
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        using GrpcChannel channel = world.Installation.Channel(
            world["eu-west"].Url, world.Installation.Service("eu-west", "keda"));
        ExternalScaler.ExternalScalerClient keda = new(channel);

        MetricSpec spec = Assert.Single((await keda.GetMetricSpecAsync(Ref("core"))).MetricSpecs);
        Assert.Equal(("lepton-nodes-core", 1L, 1.0), (spec.MetricName, spec.TargetSize, spec.TargetSizeFloat));
        node.Report.Load.CpuUtilization = 1;
        Assert.Equal(2, await UntilAsync(keda, v => v.MetricValue_ == 2));
        Assert.False((await keda.IsActiveAsync(Ref("core"))).Result); // nobody asks for anything

        using var stream = keda.StreamIsActive(Ref("core"));
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        Assert.True(await stream.ResponseStream.MoveNext(patience.Token));
        Assert.False(stream.ResponseStream.Current.Result);
        node.Report.Models[0].RequestRate = 5;
        node.Report.Models[0].ServiceTime = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(
            TimeSpan.FromSeconds(0.1));
        Assert.True(await stream.ResponseStream.MoveNext(patience.Token));
        Assert.True(stream.ResponseStream.Current.Result);
    }

    [Theory]
    [InlineData("gpu", StatusCode.InvalidArgument, "FIELD_INVALID")]
    [InlineData("edge", StatusCode.InvalidArgument, "FIELD_INVALID")] // no pool of it here
    public async Task GetMetrics_NoSuchPool_SaysWhatItTakes(string tier, StatusCode status, string reason)
    {
        await using TestWorld world = await StartAsync();
        using GrpcChannel channel = world.Installation.Channel(
            world["eu-west"].Url, world.Installation.Service("eu-west", "keda"));

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new ExternalScaler.ExternalScalerClient(channel).GetMetricsAsync(
                new() { ScaledObjectRef = Ref(tier), MetricName = "m" }));

        Assert.Equal((status, reason), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Fact]
    public async Task GetMetrics_NothingDecided_IsNoNumber()
    {
        await using TestWorld world = await StartAsync("00:01:00");
        using GrpcChannel channel = world.Installation.Channel(
            world["eu-west"].Url, world.Installation.Service("eu-west", "keda"));

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new ExternalScaler.ExternalScalerClient(channel).GetMetricsAsync(
                new() { ScaledObjectRef = Ref("core"), MetricName = "s0-lepton-nodes-core" }));

        Assert.Equal((StatusCode.Unavailable, "SCALING_UNKNOWN"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    private static Task<TestWorld> StartAsync(string interval = "00:00:00.05") =>
        TestWorld.StartAsync(["eu-west"], settings: new()
        {
            ["Routing:Scaling:Enabled"] = "true",
            ["Routing:Scaling:Interval"] = interval,
            ["Routing:Scaling:SettleTime"] = "00:00:00",
            ["Routing:Scaling:Period"] = "00:00:00.1",
            ["Routing:Scaling:Pools:0:Tier"] = "core",
        });

    private static ScaledObjectRef Ref(string tier) => new()
    {
        Name = "inference-core", Namespace = "lepton", ScalerMetadata = { ["tier"] = tier },
    };

    private static async Task<long> UntilAsync(
        ExternalScaler.ExternalScalerClient keda, Func<MetricValue, bool> wanted)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                MetricValue value = Assert.Single((await keda.GetMetricsAsync(
                    new() { ScaledObjectRef = Ref("core"), MetricName = "s0-lepton-nodes-core" },
                    cancellationToken: patience.Token)).MetricValues);
                Assert.Equal("lepton-nodes-core", value.MetricName);
                if (wanted(value))
                    return value.MetricValue_;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
            {
                // Nothing was decided yet.
            }
            await Task.Delay(20, patience.Token);
        }
    }
}
