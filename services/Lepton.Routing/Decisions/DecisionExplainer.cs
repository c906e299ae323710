using Grpc.Core;
using Lepton.Routing.Gateway;
using Lepton.Routing.V1;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Finds a decision by its id wherever it was made, and the second router's part where there is one.
/// </summary>
internal sealed class DecisionExplainer(DecisionLog log, Topology topology, PeerPool peers, TimeProvider time)
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(3);

    /// <param name="id">The decision.</param>
    /// <param name="own">Only what this router itself knows: a router asks.</param>
    /// <param name="cancellation">The caller's.</param>
    /// <returns>Null when there is no such decision, here or where its id says it was made.</returns>
    public async Task<ExplainDecisionResponse?> ExplainAsync(string id, bool own, CancellationToken cancellation)
    {
        Decision? decision = log.Find(id);
        if (own)
            return decision is null ? null : new ExplainDecisionResponse { Decision = decision };
        if (!DecisionId.TryParse(id, out string region, out _))
            return null;
        string remoteUnavailable = "";
        if (region != topology.Own && decision is null)
            (decision, remoteUnavailable) = await AskAsync(region, id, cancellation);
        if (decision is null)
            return remoteUnavailable.Length > 0 ? throw GatewayErrors.DecisionUnreachable(region, remoteUnavailable)
                : null;

        ExplainDecisionResponse response = new() { Decision = decision };
        string? second = decision.Attempts.Select(a => a.Region).LastOrDefault(r => r.Length > 0);
        if (second is null || decision.Region != region)
            return response;
        (response.RemoteDecision, response.RemoteUnavailable) = second == topology.Own
            ? (log.Find(id), "")
            : await AskAsync(second, id, cancellation);
        if (response.RemoteDecision is null && response.RemoteUnavailable.Length == 0)
            response.RemoteUnavailable = $"the router of {second} has no part of it";
        return response;
    }

    private async Task<(Decision?, string)> AskAsync(string region, string id, CancellationToken cancellation)
    {
        if (topology.Find(region) is not { } there || region == topology.Own)
            return (null, "");
        V1.RoutingService.RoutingServiceClient client = new(peers.Channel(Peer.Router(region, there.Url)));
        try
        {
            ExplainDecisionResponse response = await client.ExplainDecisionAsync(
                new ExplainDecisionRequest { DecisionId = id },
                deadline: time.GetUtcNow().UtcDateTime + AskTimeout, cancellationToken: cancellation);
            return (response.Decision, "");
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return (null, "");
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            return (null, $"the router of {region} does not answer: {e.StatusCode}");
        }
    }
}
