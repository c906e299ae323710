using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton explain ID</c>: why a request went where it went.</summary>
internal static class ExplainCommand
{
    public static Command Create(Session session)
    {
        Argument<string> id = new("ID") { Description = "The decision's id, as infer prints it." };
        Command command = new("explain", "Why a request went where it went.") { id };
        return new GatewayCommand(session).Complete(command, async (parse, call, _) =>
        {
            ExplainDecisionResponse answer = await call.Gateway.Routing.ExplainDecisionAsync(
                new ExplainDecisionRequest { DecisionId = parse.GetRequiredValue(id) }, call.Options);
            if (call.Json)
            {
                call.Terminal.Json(Json(answer));
            }
            else
            {
                Show(call.Terminal, answer);
            }

            return ExitCode.Ok;
        });
    }

    public static void Show(Terminal terminal, ExplainDecisionResponse answer)
    {
        DecisionView.Show(terminal, answer.Decision);
        AnchorView.Show(terminal, answer.Anchor);
        if (answer.RemoteDecision is { } remote)
        {
            terminal.Line();
            terminal.Line($"There, the router of {remote.Region} decided:");
            DecisionView.Show(terminal, remote);
            AnchorView.Show(terminal, answer.RemoteAnchor);
        }

        if (answer.RemoteUnavailable.Length > 0)
        {
            terminal.Line();
            terminal.Line($"The other router's part is missing: {answer.RemoteUnavailable}");
        }
    }

    public static JsonObject Json(ExplainDecisionResponse answer)
    {
        JsonObject json = DecisionView.Json(answer.Decision);
        json["anchor"] = AnchorView.Json(answer.Anchor);
        if (answer.RemoteDecision is { } remote)
        {
            json["remote_decision"] = DecisionView.Json(remote);
            json["remote_anchor"] = AnchorView.Json(answer.RemoteAnchor);
        }

        if (answer.RemoteUnavailable.Length > 0)
        {
            json["remote_unavailable"] = answer.RemoteUnavailable;
        }

        return json;
    }
}
