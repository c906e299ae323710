using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Routing.Draining;
using Lepton.Routing.Gateway;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Registry;

/// <summary>Where the region's nodes report. Only service <c>inference</c> of this region may.</summary>
internal sealed partial class RegistryService(
    NodeRegistry registry, Topology topology, IOptions<RoutingOptions> options, TimeProvider time,
    RouterDrain drain, NodeOrders orders, ILogger<RegistryService> logger) : V1.RegistryService.RegistryServiceBase
{
    private const int ModelsMax = 1000;
    private const int NameLengthMax = 256;

    public override async Task Report(
        IAsyncStreamReader<ReportRequest> requestStream, IServerStreamWriter<ReportResponse> responseStream,
        ServerCallContext context)
    {
        context.RequireService("inference", topology.Own);
        NodeSession session = new();
        // A router that stops ends the streams itself, or it would wait for them; last, for calls need the nodes.
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, drain.Ending);
        try
        {
            while (await requestStream.MoveNext(end.Token))
            {
                NodeReport report = Check(requestStream.Current.Report, session);
                bool first = session.Node is null;
                if (!registry.Take(session, report))
                    throw RpcErrors.Create(StatusCode.ResourceExhausted, Platform.V1.ErrorReason.FieldInvalid,
                        $"This router holds its maximum of {options.Value.NodesMax} nodes.");
                if (first)
                    LogRegistered(report.Node, report.Zone, report.Models.Count);
                await responseStream.WriteAsync(new ReportResponse
                {
                    Sequence = report.Sequence,
                    ReceiveTime = time.GetUtcNow().ToTimestamp(),
                    ReportInterval = options.Value.ReportInterval.ToDuration(),
                    Order = orders.For(report.Node),
                }, end.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            if (drain.Ending.IsCancellationRequested)
                throw GatewayErrors.Stopping();
            // The connection died: the same end as a closed stream, told apart in the log only.
            LogLost(session.Node ?? "(unregistered)", e.Message);
        }
        finally
        {
            registry.Close(session);
            if (session.Node is not null)
                LogClosed(session.Node);
        }
    }

    private NodeReport Check(NodeReport? report, NodeSession session)
    {
        if (report is null)
            throw RpcErrors.FieldInvalid("report", "is required");
        CheckName("report.node", report.Node);
        CheckName("report.zone", report.Zone);
        if (session.Node is not null && session.Node != report.Node)
            throw RpcErrors.FieldInvalid("report.node", $"takes the same id on one stream, {session.Node}");
        if (report.Region != topology.Own)
            throw RpcErrors.FieldInvalid("report.region", $"takes the region of the certificate, {topology.Own}");
        if (report.Tier == Tier.Unspecified)
            throw RpcErrors.FieldInvalid("report.tier", "is required");
        if (report.State is not (NodeState.Starting or NodeState.Serving or NodeState.Draining))
            throw RpcErrors.FieldInvalid("report.state", "takes STARTING, SERVING or DRAINING");
        if (report.StartTime is null)
            throw RpcErrors.FieldInvalid("report.start_time", "is required");
        if (!Uri.TryCreate(report.Url, UriKind.Absolute, out Uri? url) || url.Scheme != Uri.UriSchemeHttps)
            throw RpcErrors.FieldInvalid("report.url", "takes an absolute https address");
        if (report.Models.Count > ModelsMax)
            throw RpcErrors.FieldInvalid("report.models", $"takes at most {ModelsMax} entries");
        for (int i = 0; i < report.Models.Count; i++)
        {
            CheckName($"report.models[{i}].name", report.Models[i].Name);
            CheckName($"report.models[{i}].version", report.Models[i].Version);
        }
        if (report.Models.DistinctBy(m => (m.Name, m.Version)).Count() != report.Models.Count)
            throw RpcErrors.FieldInvalid("report.models", "takes each name and version once");
        return report;
    }

    private static void CheckName(string field, string value)
    {
        if (value.Length is 0 or > NameLengthMax)
            throw RpcErrors.FieldInvalid(field, $"takes 1 to {NameLengthMax} characters");
    }

    [LoggerMessage(LogLevel.Information, "Node {Node} of zone {Zone} registered with {Models} model versions")]
    private partial void LogRegistered(string node, string zone, int models);

    [LoggerMessage(LogLevel.Information, "Node {Node} closed its stream and is out")]
    private partial void LogClosed(string node);

    [LoggerMessage(LogLevel.Warning, "Node {Node} was lost: {Why}")]
    private partial void LogLost(string node, string why);
}
