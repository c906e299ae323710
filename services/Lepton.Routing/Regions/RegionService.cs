using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Routing.Draining;
using Lepton.Routing.Gateway;
using Lepton.Routing.Registry;
using Lepton.Routing.Tenants;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Regions;

/// <summary>
/// Answers another region's router: each summary is answered at once by ours, which measures its round trip.
/// </summary>
internal sealed partial class RegionService(
    RegionTable regions, SnapshotPublisher snapshots, Topology topology, TimeProvider time,
    RouterDrain drain, TenantQuotas quotas, ILogger<RegionService> logger)
    : V1.RegionService.RegionServiceBase
{
    private const int TenantsMax = 10_000;

    public override async Task Exchange(
        IAsyncStreamReader<ExchangeRequest> requestStream, IServerStreamWriter<ExchangeResponse> responseStream,
        ServerCallContext context)
    {
        Caller caller = context.RequireService("routing");
        if (caller.Region == topology.Own || topology.Find(caller.Region) is null)
            throw RpcErrors.Create(StatusCode.PermissionDenied, Platform.V1.ErrorReason.CallerNotAllowed,
                $"Region {caller.Region} is not another region of this topology.");
        ulong sequence = 0;
        long sentAt = 0;
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, drain.Ending);
        try
        {
            while (await requestStream.MoveNext(end.Token))
            {
                ExchangeRequest request = requestStream.Current;
                if (sequence > 0 && request.AcknowledgedSequence == sequence && request.HoldTime is not null)
                    Measure(caller.Region, request.Summary?.Router ?? "",
                        time.GetElapsedTime(sentAt) - request.HoldTime.ToTimeSpan());
                Take(caller.Region, request.Summary);
                sentAt = time.GetTimestamp();
                await responseStream.WriteAsync(new ExchangeResponse
                {
                    Summary = SummaryBuilder.Build(topology, snapshots.Current, time.GetUtcNow(), drain.IsOn),
                    Sequence = ++sequence,
                    AcknowledgedSequence = request.Sequence,
                    HoldTime = new Duration(),
                }, end.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            if (drain.Ending.IsCancellationRequested)
                throw GatewayErrors.Stopping();
            LogLost(caller.Region, e.Message); // its own client opens the next stream
        }
    }

    public override async Task<ShareUseResponse> ShareUse(
        IAsyncStreamReader<ShareUseRequest> requestStream, ServerCallContext context)
    {
        context.RequireService("routing", topology.Own);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, drain.Ending);
        try
        {
            while (await requestStream.MoveNext(end.Token))
                quotas.Take(Check(requestStream.Current));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            if (drain.Ending.IsCancellationRequested)
                throw GatewayErrors.Stopping();
            LogLost(topology.Own, e.Message);
        }
        return new ShareUseResponse();
    }

    private ShareUseRequest Check(ShareUseRequest report)
    {
        if (topology.Siblings.All(s => s.Name != report.Router))
            throw RpcErrors.FieldInvalid("router", "takes the name of another router of this region");
        return report.Tenants.Count <= TenantsMax ? report
            : throw RpcErrors.FieldInvalid("tenants", $"takes at most {TenantsMax} entries");
    }

    private void Measure(string region, string router, TimeSpan roundTrip)
    {
        if (roundTrip > TimeSpan.Zero)
            regions.Measured(region, router, roundTrip);
    }

    private void Take(string region, RegionSummary? summary)
    {
        if (summary is null)
            throw RpcErrors.FieldInvalid("summary", "is required");
        if (summary.Region != region)
            throw RpcErrors.FieldInvalid("summary.region", $"takes the region of the certificate, {region}");
        regions.Take(region, summary);
    }

    [LoggerMessage(LogLevel.Information, "The stream from region {Region} ended: {Why}")]
    private partial void LogLost(string region, string why);
}
