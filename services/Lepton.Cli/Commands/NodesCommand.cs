using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton nodes</c>: every node as its own region's router sees it.</summary>
internal static class NodesCommand
{
    public static Command Create(Session session) => new GatewayCommand(session).CompleteForRegions(
        new Command("nodes", "The nodes of every region (--from: of one)."),
        async (_, calls, _) =>
        {
            List<Node> nodes = [];
            foreach (GatewayCall call in calls)
            {
                nodes.AddRange(await ListAsync(call));
            }

            GatewayCall any = calls[0];
            if (any.Json)
            {
                any.Terminal.Json(new JsonArray([.. nodes.Select(NodeView.Json)]));
            }
            else
            {
                any.Terminal.Show(NodeView.Table(nodes, session.Time.GetUtcNow()));
            }

            return ExitCode.Ok;
        });

    /// <summary>All pages; the router ends the listing, a page holds at most 1,000.</summary>
    public static async Task<IReadOnlyList<Node>> ListAsync(GatewayCall call)
    {
        List<Node> nodes = [];
        ListNodesRequest request = new() { PageSize = 1000 };
        do
        {
            ListNodesResponse page = await call.Gateway.Routing.ListNodesAsync(request, call.Options);
            nodes.AddRange(page.Nodes);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return nodes;
    }
}
