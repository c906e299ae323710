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

    // A router answers every report. One that is silent for so long, and for several reports, has lost us, or the
    // stream never reached it.
    private static readonly TimeSpan SilenceMin = TimeSpan.FromSeconds(10);
    private const int SilentReports = 3;

    /// <summary>A router that stays away is logged once a minute or so, not at every try.</summary>
    private const int LogEvery = 30;

    private readonly Farewell _farewell = new();

    /// <summary>Ends when this router knows that the node leaves. Ask after reports began to say so.</summary>
    public Task ToldAsync() => _farewell.HeardAsync();

    public async Task RunAsync(CancellationToken cancellation)
    {
        var wait = WaitMin;
        var failures = 0;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                // A connection of its own for each try: whatever ails one ends with it.
                using var channel = connect();
                await ReportAsync(new RegistryService.RegistryServiceClient(channel),
                    () => (wait, failures) = (WaitMin, 0), cancellation);
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
        // The stream has no deadline: it lives as long as the node, and as its router answers.
        var silenceMax = pace.Interval * SilentReports > SilenceMin ? pace.Interval * SilentReports : SilenceMin;
        using var silence = new CancellationTokenSource(silenceMax, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        using var call = client.Report(cancellationToken: end.Token);
        var answers = TakeAnswersAsync(call, Heard, end.Token);
        using var subscription = pace.Subscribe();
        try
        {
            while (!answers.IsCompleted)
            {
                var report = reports.Build();
                _farewell.Sent(report.Sequence, report.State == NodeState.Draining);
                await call.RequestStream.WriteAsync(new ReportRequest { Report = report }, end.Token);
                await Task.WhenAny(subscription.NextAsync(end.Token), answers);
            }
            await answers;
        }
        catch (Exception e) when (silence.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"It has not answered for {silenceMax.TotalSeconds:F0} s.", e);
        }

        void Heard()
        {
            silence.CancelAfter(silenceMax);
            connected();
        }
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
