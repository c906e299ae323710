using Grpc.Core;
using Lepton.Routing.Gateway;
using Lepton.Routing.Regions;
using Lepton.Routing.V1;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Finds a decision by its id wherever it was made, and the second router's part where there is one. An id names a
/// region: which of its routers keeps the record is found by asking all of them.
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
            return decision is null ? null : Here(decision);
        if (!DecisionId.TryParse(id, out string region, out _))
            return null;
        ExplainDecisionResponse? response = decision is null ? null : Here(decision);
        string unreachable = "";
        if (response is null)
            (response, unreachable) = await AskAsync(region, id, cancellation);
        if (response is null)
            return unreachable.Length > 0 ? throw GatewayErrors.DecisionUnreachable(region, unreachable) : null;

        decision = response.Decision;
        string? second = decision.Attempts.Select(a => a.Region).LastOrDefault(r => r.Length > 0);
        if (second is null || decision.Region != region)
            return response;
        (ExplainDecisionResponse? remote, response.RemoteUnavailable) =
            second == topology.Own && log.Find(id) is { } here
                ? (Here(here), "")
                : await AskAsync(second, id, cancellation);
        (response.RemoteDecision, response.RemoteAnchor) = (remote?.Decision, remote?.Anchor);
        if (response.RemoteDecision is null && response.RemoteUnavailable.Length == 0)
            response.RemoteUnavailable = $"no router of {second} has a part of it";
        return response;
    }

    private ExplainDecisionResponse Here(Decision decision) =>
        new() { Decision = decision, Anchor = log.AnchorOf(decision.Id) };

    /// <summary>What the region's routers but this one know, or why some cannot be asked.</summary>
    private async Task<(ExplainDecisionResponse?, string)> AskAsync(
        string region, string id, CancellationToken cancellation)
    {
        IReadOnlyList<RouterSite> routers = region == topology.Own
            ? topology.Siblings
            : topology.Find(region)?.Routers ?? [];
        (ExplainDecisionResponse? Found, string Why)[] answers =
            await Task.WhenAll(routers.Select(r => AskAsync(r, id, cancellation)));
        // After an attempt by one way failed and one by another did not, both routers have a part.
        ExplainDecisionResponse? best = answers.Select(a => a.Found).OfType<ExplainDecisionResponse>()
            .MinBy(e => e.Decision.StatusCode == 0 ? 0 : 1);
        return best is not null ? (best, "")
            : (null, string.Join("; ", answers.Select(a => a.Why).Where(why => why.Length > 0)));
    }

    private async Task<(ExplainDecisionResponse?, string)> AskAsync(
        RouterSite router, string id, CancellationToken cancellation)
    {
        V1.RoutingService.RoutingServiceClient client = new(peers.Channel(Peer.Router(router.Region, router.Url)));
        try
        {
            ExplainDecisionResponse response = await client.ExplainDecisionAsync(
                new ExplainDecisionRequest { DecisionId = id },
                deadline: time.GetUtcNow().UtcDateTime + AskTimeout, cancellationToken: cancellation);
            return (response, "");
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return (null, "");
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            return (null, $"{router.Name} does not answer: {e.StatusCode}");
        }
    }
}
