using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Lepton.Cli.Output;
using Lepton.Compliance.Client.Law;
using Lepton.Compliance.V1;
using LawChange = Lepton.Compliance.V1.LawChange;

namespace Lepton.Cli.Commands.Policies;

/// <summary>Policies, their differences and answers, for people and for programs.</summary>
internal static class PolicyView
{
    private static readonly JsonFormatter Formatter = new(
        JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    public static JsonObject Json(IMessage message) =>
        JsonNode.Parse(Formatter.Format(message))?.AsObject() ?? [];

    /// <summary>The one form in which differences are shown, from here or from a service.</summary>
    public static PolicyDifference Wire(PolicyDiff diff)
    {
        PolicyDifference made = new();
        made.Law.AddRange(diff.Law.Select(c => new LawChange
        {
            WasAllowed = c.Was.IsAllowed, WasRule = c.Was.RuleId, IsAllowed = c.Is.IsAllowed, IsRule = c.Is.RuleId,
            Subjects = { c.Subjects }, Categories = { c.Categories }, Purposes = { c.Purposes },
            Destinations = { c.Destinations }, Count = c.Count,
        }));
        made.Classes.AddRange(diff.Classes.Select(c => new Lepton.Compliance.V1.ClassChange
        {
            DataClass = c.DataClass, Purpose = c.Purpose, Gained = { c.Gained }, Lost = { c.Lost },
        }));
        made.Floors.AddRange(diff.Floors.Select(f => new Lepton.Compliance.V1.FloorChange
        {
            Kind = f.Kind, Name = f.Name, Was = f.Was, Is = f.Is,
        }));
        return made;
    }

    public static void Show(Terminal terminal, PolicyDifference diff)
    {
        if (diff.Law.Count + diff.Classes.Count + diff.Floors.Count == 0)
        {
            terminal.Line("Every decision is the same.");
            return;
        }

        foreach (LawChange change in diff.Law)
        {
            string kind = change.WasAllowed == change.IsAllowed ? "same  " : change.IsAllowed ? "WIDENS" : "narrows";
            terminal.Line($"{kind} {change.Count} decisions: {Say(change.WasAllowed, change.WasRule)} → "
                + Say(change.IsAllowed, change.IsRule));
            terminal.Line($"       {Some(change.Categories)} of {Some(change.Subjects)} to "
                + $"{Some(change.Destinations)} for {Some(change.Purposes)}");
        }

        foreach (IGrouping<string, Lepton.Compliance.V1.ClassChange> change in diff.Classes.GroupBy(
            c => $"class {c.DataClass}:{Signed("+", c.Gained)}{Signed("-", c.Lost)}"))
        {
            terminal.Line($"{change.Key} ({string.Join(", ", change.Select(c => c.Purpose))})");
        }

        foreach (Lepton.Compliance.V1.FloorChange floor in diff.Floors)
        {
            terminal.Line($"{floor.Kind} {floor.Name}: floor {Or(floor.Was)} → {Or(floor.Is)}");
        }
    }

    public static void Show(Terminal terminal, LawAnswer answer)
    {
        terminal.Line($"{(answer.IsAllowed ? "Allowed" : "Denied")} by {answer.RuleId} ({answer.Source}), "
            + $"policy {answer.PolicyVersion}");
        foreach (LawFinding finding in answer.Findings)
        {
            string says = finding.Effect == LawEffect.Allow ? "allows" : "denies";
            terminal.Line($"  {says}  {finding.RuleId}: {finding.Source}");
            foreach (IReadOnlyList<string> unmet in finding.Unmet)
            {
                terminal.Line($"          needs {string.Join(" or ", unmet)}");
            }

            if (finding.Relied.Count > 0)
            {
                terminal.Line($"          by {string.Join(", ", finding.Relied)}");
            }
        }
    }

    public static JsonObject Json(LawAnswer answer) => new()
    {
        ["allowed"] = answer.IsAllowed,
        ["rule_id"] = answer.RuleId,
        ["source"] = answer.Source,
        ["policy_version"] = answer.PolicyVersion,
        ["unmet"] = new JsonArray([.. answer.Unmet.Select(u => (JsonNode)DecisionView.Strings(u))]),
        ["relied"] = DecisionView.Strings(answer.Relied),
        ["findings"] = new JsonArray([.. answer.Findings.Select(f => new JsonObject
        {
            ["regime"] = f.Regime, ["rule_id"] = f.RuleId, ["source"] = f.Source,
            ["allowed"] = f.Effect == LawEffect.Allow,
        })]),
    };

    public static string State(Policy policy) => policy.State switch
    {
        PolicyState.Draft => "draft",
        PolicyState.Approved => "approved",
        PolicyState.Seed => "seed",
        _ => "?",
    };

    private static string Say(bool allowed, string rule) => $"{(allowed ? "allowed" : "denied")} by {rule}";

    private static string Some(RepeatedField<string> names) => names.Count <= 6
        ? string.Join(", ", names)
        : $"{string.Join(", ", names.Take(6))} and {names.Count - 6} more";

    private static string Signed(string sign, IEnumerable<string> regions) =>
        string.Concat(regions.Select(r => $" {sign}{r}"));

    private static string Or(string name) => name.Length > 0 ? name : "none";
}
