using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;
using Xds.Data.Orca.V3;
using Xds.Service.Orca.V3;
using PlatformReason = Lepton.Platform.V1.ErrorReason;

namespace Lepton.Inference.Serving;

/// <summary>
/// ORCA out of band: the load that answers carry in their trailer, at an interval, for services of the region whose
/// balancer has no request under way here.
/// </summary>
internal sealed class LoadStreams(
    LoadTrailer load,
    Draining draining,
    IHostApplicationLifetime lifetime,
    IOptions<ServiceOptions> place,
    IOptions<InferenceOptions> options,
    TimeProvider time) : OpenRcaService.OpenRcaServiceBase
{
    private int _open;

    public override async Task StreamCoreMetrics(
        OrcaLoadReportRequest request, IServerStreamWriter<OrcaLoadReport> responseStream, ServerCallContext context)
    {
        RequireServiceOfRegion(context);
        var interval = Interval(request.ReportInterval);
        if (Interlocked.Increment(ref _open) > options.Value.LoadStreamsMax)
        {
            Interlocked.Decrement(ref _open);
            throw InferenceErrors.LoadStreamsFull(options.Value.LoadStreamsMax);
        }
        try
        {
            await ReportAsync(responseStream, interval, context.CancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task ReportAsync(
        IServerStreamWriter<OrcaLoadReport> stream, TimeSpan interval, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            cancellation, lifetime.ApplicationStopping, draining.Refusing);
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            // A write that is cancelled aborts the call before its status: only the waiting ends when the node leaves.
            do
                await stream.WriteAsync(load.Report(), cancellation);
            while (await timer.WaitForNextTickAsync(end.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw InferenceErrors.Leaving();
        }
    }

    /// <summary>The interval asked for, moved to the bounds; the shortest when none is asked for.</summary>
    private TimeSpan Interval(Duration? asked)
    {
        var shortest = TimeSpan.FromMilliseconds(options.Value.LoadIntervalMinMilliseconds);
        if (asked is null)
            return shortest;
        if (asked.Seconds < 0 || asked.Nanos is < 0 or > 999_999_999)
            throw InferenceErrors.IntervalInvalid();
        // Compared as whole seconds first: a Duration holds more of them than a TimeSpan.
        var longest = TimeSpan.FromMilliseconds(options.Value.LoadIntervalMaxMilliseconds);
        var wish = asked.Seconds > (long)longest.TotalSeconds ? longest : asked.ToTimeSpan();
        return wish < shortest ? shortest : wish > longest ? longest : wish;
    }

    // What a node does is its region's business: routers, or a balancer that stands in for one.
    private void RequireServiceOfRegion(ServerCallContext context)
    {
        var caller = context.GetCaller();
        if (caller.Kind != CallerKind.Service || caller.Region != place.Value.Region)
            throw RpcErrors.Create(StatusCode.PermissionDenied, PlatformReason.CallerNotAllowed,
                $"Only services of region {place.Value.Region} may watch a node's load.",
                new Dictionary<string, string> { ["caller"] = caller.Principal });
    }
}
