using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.Routing.Decisions;
using Lepton.Routing.Draining;
using Lepton.Routing.Gateway;
using Lepton.Routing.Listing;
using Lepton.Routing.Registry;
using Lepton.Routing.Scaling;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing;

/// <summary>What people and services ask a router. Who may is declared in the proto.</summary>
internal sealed partial class RoutingService(
    SnapshotPublisher snapshots, RegionListing listing, DecisionExplainer explainer, RoutePlanner planner,
    Topology topology, RouterDrain drain, NodeOrders orders, ScalingLoop scaling, AccessFile access,
    TimeProvider time,
    ILogger<RoutingService> logger)
    : V1.RoutingService.RoutingServiceBase
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(5);

    // Loads change with every report; people don't need them more often than that.
    private static readonly TimeSpan WatchPause = TimeSpan.FromMilliseconds(500);

    public override Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context)
    {
        Admit(context);
        RegistrySnapshot snapshot = snapshots.Current;
        (IReadOnlyList<Node> page, string next) = Pages.Cut(
            "nodes", request.PageSize, request.PageToken, snapshot.Nodes, n => n.Id,
            n => WireNodes.Of(n, time.GetUtcNow()));
        return Task.FromResult(new ListNodesResponse
        {
            Nodes = { page }, NextPageToken = next, TopologyVersion = snapshot.Version,
        });
    }

    public override async Task WatchNodes(
        WatchNodesRequest request, IServerStreamWriter<WatchNodesResponse> responseStream, ServerCallContext context)
    {
        Admit(context);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, drain.Closing);
        while (!drain.Closing.IsCancellationRequested)
        {
            Task change = snapshots.Changed;
            RegistrySnapshot snapshot = snapshots.Current;
            WatchNodesResponse response = new() { TopologyVersion = snapshot.Version };
            response.Nodes.AddRange(snapshot.Nodes.Select(n => WireNodes.Of(n, time.GetUtcNow())));
            // A write that is cancelled aborts the call before its status: only the waiting ends here.
            await responseStream.WriteAsync(response, context.CancellationToken);
            await Task.Delay(WatchPause, time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAny(change, Task.Delay(WatchInterval - WatchPause, time, end.Token));
            context.CancellationToken.ThrowIfCancellationRequested();
        }
        throw GatewayErrors.Stopping();
    }

    public override Task<ListRegionsResponse> ListRegions(ListRegionsRequest request, ServerCallContext context)
    {
        Admit(context);
        return Task.FromResult(new ListRegionsResponse { Regions = { listing.Regions() } });
    }

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context)
    {
        Admit(context);
        (IReadOnlyList<Model> page, string next) = Pages.Cut(
            "models", request.PageSize, request.PageToken, listing.Models(), m => $"{m.Name}\n{m.Version}", m => m);
        return Task.FromResult(new ListModelsResponse { Models = { page }, NextPageToken = next });
    }

    public override async Task<ExplainDecisionResponse> ExplainDecision(ExplainDecisionRequest request,
        ServerCallContext context)
    {
        Caller caller = Admit(context);
        return await ExplainAsync(request.DecisionId, caller, context.CancellationToken);
    }

    public override async Task<ReplayDecisionResponse> ReplayDecision(
        ReplayDecisionRequest request, ServerCallContext context)
    {
        Caller caller = Admit(context);
        ExplainDecisionResponse known = await ExplainAsync(request.DecisionId, caller, context.CancellationToken);
        ReplayDecisionResponse response = new()
        {
            Decision = known.Decision,
            Anchor = known.Anchor,
            Residency = DecisionReplay.Residency(known.Decision, topology.Policy),
        };
        response.Picks.AddRange(known.Decision.Attempts.Select(a => DecisionReplay.Pick(known.Decision.Strategy, a)));
        ReplayOutcome[] outcomes = [response.Residency.Outcome, .. response.Picks.Select(p => p.Outcome)];
        response.Same = outcomes.Contains(ReplayOutcome.Same) && !outcomes.Contains(ReplayOutcome.Different);
        return response;
    }

    private async Task<ExplainDecisionResponse> ExplainAsync(
        string decisionId, Caller caller, CancellationToken cancellation)
    {
        if (decisionId.Length is 0 or > 128)
            throw GatewayErrors.FieldInvalid("decision_id", "takes the value of the trailer x-lepton-decision-id");
        bool own = caller.IsService("routing");
        ExplainDecisionResponse? response = await explainer.ExplainAsync(decisionId, own, cancellation);
        // Another tenant's decision and none at all are one answer, or ids could be probed.
        bool all = own || access.Current.GrantsOf(caller).AllTenants.Has(Permission.DecisionsRead);
        if (response is null || (!all && response.Decision.Tenant != caller.Tenant))
            throw GatewayErrors.DecisionUnknown(decisionId);
        return response;
    }

    public override Task<PlanRouteResponse> PlanRoute(PlanRouteRequest request, ServerCallContext context)
    {
        Caller caller = Admit(context);
        if (caller.Kind != CallerKind.Tenant)
            throw GatewayErrors.CallerNotAllowed(caller.Principal);
        return Task.FromResult(planner.Plan(request, caller));
    }

    public override async Task<DrainNodeResponse> DrainNode(DrainNodeRequest request, ServerCallContext context) =>
        new() { Node = await OrderAsync(request.Node, NodeOrder.Drain, context) };

    public override async Task<ResumeNodeResponse> ResumeNode(ResumeNodeRequest request, ServerCallContext context) =>
        new() { Node = await OrderAsync(request.Node, NodeOrder.Serve, context) };

    public override Task<GetScalingResponse> GetScaling(GetScalingRequest request, ServerCallContext context)
    {
        Admit(context);
        return Task.FromResult(new GetScalingResponse { Pools = { scaling.Scalers.Select(WireScaling.Of) } });
    }

    private async Task<Node> OrderAsync(string node, NodeOrder order, ServerCallContext context)
    {
        Caller caller = Admit(context);
        if (node.Length is 0 or > 256)
            throw GatewayErrors.FieldInvalid("node", "takes a node's id in this router's region");
        try
        {
            NodeView view = await orders.GiveAsync(node, order, context.CancellationToken)
                ?? throw GatewayErrors.NodeUnknown(node, topology.Own);
            LogOrdered(node, order, caller.Principal);
            return WireNodes.Of(view, time.GetUtcNow());
        }
        catch (TimeoutException)
        {
            throw GatewayErrors.NodeSilent(node, NodeOrders.FollowMax);
        }
    }

    [LoggerMessage(LogLevel.Information, "Node {Node} follows order {Order} of {Caller}")]
    private partial void LogOrdered(string node, NodeOrder order, string caller);

    private Caller Admit(ServerCallContext context)
    {
        Caller caller = context.GetCaller();
        return caller.Kind == CallerKind.Tenant && !topology.Policy.HasTenant(caller.Tenant)
            ? throw GatewayErrors.TenantUnknown(caller.Tenant)
            : caller;
    }
}
