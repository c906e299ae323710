using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton replay ID</c>: makes a recorded decision again, and says whether it comes out the same.</summary>
internal static class ReplayCommand
{
    public static Command Create(Session session)
    {
        Argument<string> id = new("ID") { Description = "The decision's id, as infer prints it." };
        Command command = new("replay", "Make a recorded decision again: is it the same?") { id };
        return new GatewayCommand(session).Complete(command, async (parse, call, _) =>
        {
            ReplayDecisionResponse answer = await call.Gateway.Routing.ReplayDecisionAsync(
                new ReplayDecisionRequest { DecisionId = parse.GetRequiredValue(id) }, call.Options);
            if (call.Json)
            {
                call.Terminal.Json(Json(answer));
            }
            else
            {
                Show(call.Terminal, answer);
            }

            return answer.Same && answer.Anchor?.State != AnchorState.Broken ? ExitCode.Ok : ExitCode.Failed;
        });
    }

    private static void Show(Terminal terminal, ReplayDecisionResponse answer)
    {
        ReplayedResidency residency = answer.Residency;
        terminal.Line($"Decision   {answer.Decision.Id}");
        AnchorView.Show(terminal, answer.Anchor);
        string regions = residency.Outcome == ReplayOutcome.NotPossible
            ? ""
            : $": {residency.DataClass} in {string.Join(", ", residency.AllowedRegions)}";
        terminal.Line($"Residency  {Words(residency.Outcome)}{regions}{Because(residency.Why)}");
        foreach (ReplayedPick pick in answer.Picks)
        {
            string picked = pick.Outcome == ReplayOutcome.Different
                ? $": {pick.Picked}, recorded {pick.Recorded}"
                : $": {pick.Recorded}";
            terminal.Line($"Pick {pick.Number,-6}{Words(pick.Outcome)}{picked}{Because(pick.Why)}");
        }

        terminal.Line(answer.Same ? "Made again, it is the same." : "Made again, it is NOT the same.");
    }

    private static JsonObject Json(ReplayDecisionResponse answer) => new()
    {
        ["decision_id"] = answer.Decision.Id,
        ["same"] = answer.Same,
        ["anchor"] = AnchorView.Json(answer.Anchor),
        ["residency"] = new JsonObject
        {
            ["outcome"] = Words(answer.Residency.Outcome),
            ["data_class"] = answer.Residency.DataClass,
            ["allowed_regions"] = DecisionView.Strings(answer.Residency.AllowedRegions),
            ["policy_digest"] = answer.Residency.PolicyDigest,
            ["why"] = answer.Residency.Why,
        },
        ["picks"] = new JsonArray([.. answer.Picks.Select(pick => new JsonObject
        {
            ["attempt"] = pick.Number,
            ["outcome"] = Words(pick.Outcome),
            ["recorded"] = pick.Recorded,
            ["picked"] = pick.Picked,
            ["why"] = pick.Why,
        })]),
    };

    private static string Because(string why) => why.Length > 0 ? $" ({why})" : "";

    private static string Words(ReplayOutcome outcome) => outcome switch
    {
        ReplayOutcome.Same => "same",
        ReplayOutcome.Different => "different",
        _ => "not possible",
    };
}
