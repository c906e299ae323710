using System.CommandLine;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary>
/// <c>lepton nodes</c>: every node as its own region's router sees it; taking one out of service and back.
/// </summary>
internal static class NodesCommand
{
    public static Command Create(Session session) => new GatewayCommand(session).CompleteForRegions(
        new Command("nodes", "The nodes of every region (--from: of one).")
        {
            Order(session, "drain", "Let a node finish what it has and take no new work.", "takes no new work",
                async (call, node) => (await call.Gateway.Routing.DrainNodeAsync(
                    new DrainNodeRequest { Node = node }, call.Options)).Node),
            Order(session, "resume", "Let a drained node take work again.", "takes work",
                async (call, node) => (await call.Gateway.Routing.ResumeNodeAsync(
                    new ResumeNodeRequest { Node = node }, call.Options)).Node),
        },
        async (_, calls, cancellation) =>
        {
            Task<Answer>[] asked = [.. calls.Select(call => AskAsync(call, cancellation))];
            Answer[] answers = await Task.WhenAll(asked);
            CommandFailure[] losses = [.. answers.Select(a => a.Loss).OfType<CommandFailure>()];
            if (losses.Length == calls.Count)
            {
                throw losses[0];
            }

            GatewayCall any = calls[0];
            IReadOnlyList<Node> nodes = [.. answers.SelectMany(a => a.Nodes)];
            if (any.Json)
            {
                any.Terminal.Json(new JsonArray([.. nodes.Select(NodeView.Json)]));
            }
            else
            {
                any.Terminal.Show(NodeView.Table(nodes, session.Time.GetUtcNow()));
                foreach (string note in HealthView.Notes(nodes, session.Time.GetUtcNow()))
                {
                    any.Terminal.Line(note);
                }
            }

            foreach (CommandFailure loss in losses)
            {
                any.Terminal.Progress(loss.Message);
            }

            return losses.Length == 0 ? ExitCode.Ok : losses[0].Code;
        });

    private static Command Order(
        Session session, string word, string description, string done, Func<GatewayCall, string, Task<Node>> order)
    {
        Argument<string> node = new("NODE") { Description = "Its name as ./lepton nodes shows it." };
        return new GatewayCommand(session).Complete(new Command(word, description) { node }, async (parse, call, _) =>
        {
            Node now = await order(call, parse.GetRequiredValue(node));
            if (call.Json)
            {
                call.Terminal.Json(NodeView.Json(now));
            }
            else
            {
                call.Terminal.Line($"{now.Report.Node} of {call.Gateway.Region} {done}.");
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>A region that is down hides no other: that is when an operator looks.</summary>
    private static async Task<Answer> AskAsync(GatewayCall call, CancellationToken cancellation)
    {
        try
        {
            return new Answer(await ListAsync(call), null);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            CommandFailure failure = call.Failure(e);
            return new Answer([], new CommandFailure(failure.Code, $"{call.Gateway.Region}: {failure.Message}")
            {
                Hints = failure.Hints, Json = failure.Json,
            });
        }
    }

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

    private sealed record Answer(IReadOnlyList<Node> Nodes, CommandFailure? Loss);
}
