using System.CommandLine;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Output;
using Lepton.Routing.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton watch</c>: the nodes, live, until Ctrl-C.</summary>
internal static class WatchCommand
{
    /// <summary>Reports come every second; drawing more often than a person reads only flickers.</summary>
    private static readonly TimeSpan refresh = TimeSpan.FromMilliseconds(500);

    /// <summary>Longer than a connection may take, so that a region that is down is shown as such at once.</summary>
    private static readonly TimeSpan firstWord = TimeSpan.FromSeconds(8);

    public static Command Create(Session session)
    {
        Option<int?> count = new("--count")
        {
            Description = "End after so many refreshes (default: when Ctrl-C comes).",
            HelpName = "N",
        };
        Command command = new("watch", "The nodes of every region (--from: of one), live.") { count };
        return new GatewayCommand(session).CompleteForRegions(command, async (parse, calls, cancellation) =>
        {
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            NodeBoard board = new(calls.Count);
            Task[] streams = [.. calls.Select((call, i) => FollowAsync(session, call, board, i, stop.Token))];
            try
            {
                await ShowAsync(session, calls[0], board, parse.GetValue(count), stop.Token);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // Ctrl-C is how a watch ends.
            }

            await stop.CancelAsync();
            await Task.WhenAll(streams);
            return ExitCode.Ok;
        });
    }

    private static async Task FollowAsync(
        Session session, GatewayCall call, NodeBoard board, int region, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await FollowOnceAsync(call, board, region, cancellation);
                await Pause(session, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The watch has ended.
        }
    }

    private static async Task FollowOnceAsync(
        GatewayCall call, NodeBoard board, int region, CancellationToken cancellation)
    {
        try
        {
            // No deadline: a watch lasts as long as somebody watches.
            using AsyncServerStreamingCall<WatchNodesResponse> watch =
                call.Gateway.Routing.WatchNodes(new WatchNodesRequest(), cancellationToken: cancellation);
            await foreach (WatchNodesResponse update in watch.ResponseStream.ReadAllAsync(cancellation))
            {
                board.Set(region, update.Nodes);
            }
        }
        catch (RpcException e)
        {
            cancellation.ThrowIfCancellationRequested();
            board.Lost(region, $"{call.Gateway.Region}: {call.Failure(e).Message}");
        }
    }

    private static async Task ShowAsync(
        Session session, GatewayCall call, NodeBoard board, int? count, CancellationToken cancellation)
    {
        await board.HeardFromAllAsync(firstWord, session.Time, cancellation);
        if (call.Json || !call.Terminal.IsLive)
        {
            for (int i = 0; count is null || i < count; i++)
            {
                Print(session, call, board);
                await Pause(session, cancellation);
            }

            return;
        }

        await call.Terminal.Console.Live(new Text("")).StartAsync(async live =>
        {
            for (int i = 0; count is null || i < count; i++)
            {
                live.UpdateTarget(new Rows(
                    NodeView.Table(board.Nodes(), session.Time.GetUtcNow()),
                    new Text(string.Join('\n', board.Losses()))));
                await Pause(session, cancellation);
            }
        });
    }

    private static void Print(Session session, GatewayCall call, NodeBoard board)
    {
        if (call.Json)
        {
            call.Terminal.JsonLine(new JsonObject
            {
                ["time"] = session.Time.GetUtcNow().ToString("O"),
                ["nodes"] = new JsonArray([.. board.Nodes().Select(NodeView.Json)]),
                ["unreachable"] = DecisionView.Strings(board.Losses()),
            });
            return;
        }

        call.Terminal.Show(NodeView.Table(board.Nodes(), session.Time.GetUtcNow()));
        foreach (string loss in board.Losses())
        {
            call.Terminal.Line(loss);
        }
    }

    private static Task Pause(Session session, CancellationToken cancellation) =>
        Task.Delay(refresh, session.Time, cancellation);
}
