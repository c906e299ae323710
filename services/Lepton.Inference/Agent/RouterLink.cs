using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Routing.V1;

namespace Lepton.Inference.Agent;

/// <summary>
/// Reports to one router for as long as the node lives: connects again after every break, with growing, jittered waits.
/// </summary>
internal sealed partial class RouterLink(
    Uri router,
    Func<GrpcChannel> connect,
    ReportBuilder reports,
    ReportPace pace,
    Action<NodeOrder> follow,
    TimeProvider time,
    Random random,
    ILogger logger)
{
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(200);
    // A router that was restarted is ready when its nodes are back: they must not stay away for long.
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(2);

    /// <summary>A router that stays away is logged once a minute or so, not at every try.</summary>
    private const int LogEvery = 30;

    private readonly Farewell _farewell = new();

    /// <summary>Ends when this router knows that the node leaves. Ask after reports began to say so.</summary>
    public Task ToldAsync() => _farewell.HeardAsync();

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var channel = connect();
        var client = new RegistryService.RegistryServiceClient(channel);
        var wait = WaitMin;
        var failures = 0;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await ReportAsync(client, () => (wait, failures) = (WaitMin, 0), cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A write into a broken connection throws IOException and others than RpcException. Whatever it was: a
                // node that stopped reporting would be out of service for good.
                if (failures++ % LogEvery == 0)
                    LinkBroken(router, error.Message);
            }
            _farewell.Disconnected();
            // Full jitter, so that a region's nodes don't come back to a restarted router in one instant.
            if (!await DelayAsync(wait * (0.5 + (random.NextDouble() / 2)), cancellation))
                return;
            wait = wait * 2 < WaitMax ? wait * 2 : WaitMax;
        }
    }

    private async Task ReportAsync(
        RegistryService.RegistryServiceClient client, Action connected, CancellationToken cancellation)
    {
        using var call = client.Report(cancellationToken: cancellation);
        var answers = TakeAnswersAsync(call, connected, cancellation);
        using var subscription = pace.Subscribe();
        // The stream has no deadline: it lives as long as the node. A dead router is noticed by HTTP/2 pings.
        while (!answers.IsCompleted)
        {
            var report = reports.Build();
            _farewell.Sent(report.Sequence, report.State == NodeState.Draining);
            await call.RequestStream.WriteAsync(new ReportRequest { Report = report }, cancellation);
            await Task.WhenAny(subscription.NextAsync(cancellation), answers);
        }
        await answers;
    }

    private async Task TakeAnswersAsync(
        AsyncDuplexStreamingCall<ReportRequest, ReportResponse> call, Action connected, CancellationToken cancellation)
    {
        await foreach (var answer in call.ResponseStream.ReadAllAsync(cancellation))
        {
            _farewell.Answered(answer.Sequence);
            if (answer.Order != NodeOrder.Unspecified)
                follow(answer.Order);
            connected();
        }
    }

    private async Task<bool> DelayAsync(TimeSpan wait, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(wait, time, cancellation);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No report stream to {Router}, trying on: {Error}")]
    private partial void LinkBroken(Uri router, string error);
}
