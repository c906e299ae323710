using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Gateway;
using Lepton.Routing.V1;

namespace Lepton.Cli.Output;

/// <summary>A routing decision: who was looked at, what excluded each, what was drawn and picked.</summary>
internal static class DecisionView
{
    public static void Show(Terminal terminal, Decision decision)
    {
        if (decision.Id.Length > 0)
        {
            terminal.Line($"Decision   {decision.Id}");
        }

        string asked = decision.Principal.Length > 0 ? $" by {decision.Principal}" : "";
        string model = decision.Model.Length > 0 ? decision.Model : "not read: refused on the headers";
        terminal.Line($"Router     {decision.Region}{asked}");
        terminal.Line($"Model      {model} {decision.ModelVersion}".TrimEnd());
        terminal.Line($"Class      {decision.DataClass}{Sources(decision)}");
        terminal.Line($"Allowed    {string.Join(", ", decision.AllowedRegions)} (policy {decision.PolicyVersion})");
        if (decision.RuleId.Length > 0)
        {
            terminal.Line($"Rule       {decision.RuleId} ({decision.RuleSource})");
        }

        terminal.Line($"Strategy   {decision.Strategy}, {decision.Priority}");
        terminal.Line($"Result     {Result(decision)}");
        foreach (Attempt attempt in decision.Attempts)
        {
            Show(terminal, attempt);
        }
    }

    public static JsonObject Json(Decision decision) => new()
    {
        ["decision_id"] = decision.Id,
        ["region"] = decision.Region,
        ["create_time"] = decision.CreateTime?.ToDateTimeOffset().ToString("O"),
        ["tenant"] = decision.Tenant,
        ["principal"] = decision.Principal,
        ["method"] = decision.Method,
        ["model"] = decision.Model,
        ["model_version"] = decision.ModelVersion,
        ["data_class"] = decision.DataClass,
        ["data_class_sources"] = Strings(decision.DataClassSources),
        ["regulated"] = decision.Regulated,
        ["allowed_regions"] = Strings(decision.AllowedRegions),
        ["policy_version"] = decision.PolicyVersion,
        ["policy_digest"] = decision.PolicyDigest,
        ["policy_order"] = decision.PolicyOrder,
        ["rule_id"] = decision.RuleId,
        ["rule_source"] = decision.RuleSource,
        ["topology_version"] = decision.TopologyVersion,
        ["strategy"] = decision.Strategy,
        ["priority"] = decision.Priority,
        ["attempts"] = new JsonArray([.. decision.Attempts.Select(Json)]),
        ["status"] = Status(decision.StatusCode),
        ["reason"] = decision.Reason,
        ["message"] = decision.Message,
        ["duration_ms"] = Amounts.JsonMilliseconds(decision.Duration),
        ["origin_region"] = decision.OriginRegion,
        ["request_bytes_read"] = decision.RequestBytesRead,
        ["served_by"] = decision.ServedBy,
        ["served_region"] = decision.ServedRegion,
        ["provider"] = decision.Provider,
    };

    public static JsonArray Strings(IEnumerable<string> strings) => new([.. strings.Select(s => (JsonNode)s)]);

    private static void Show(Terminal terminal, Attempt attempt)
    {
        string picked = attempt.Node.Length > 0 ? attempt.Node
            : attempt.Router.Length > 0 ? attempt.Router : attempt.Region;
        string end = attempt.Reason.Length > 0 ? $", ended {Status(attempt.StatusCode)} ({attempt.Reason})" : "";
        string draws = attempt.Draws.Count > 0
            ? $"; drew {string.Join(", ", attempt.Draws.Select(Amounts.Number))}"
            : "";
        terminal.Line();
        string what = picked.Length > 0 ? "picked " + picked : "nothing picked";
        terminal.Line($"Attempt {attempt.Number}: {what}{draws}{end}");
        if (attempt.Panic)
        {
            terminal.Line("Panic: too few allowed places were healthy; ejections and open circuits were ignored.");
        }

        if (attempt.Trial)
        {
            terminal.Line("Trial: the request tried a half-open circuit; no strategy was asked.");
        }

        Spectre.Console.Table table = Tables.Create("", "Candidate", "Region", "Zone", "Excluded", ">Weight", ">Score",
            ">RTT", ">Service", ">Out/slots", ">Queue", ">Load");
        for (int i = 0; i < attempt.Candidates.Count; i++)
        {
            Candidate c = attempt.Candidates[i];
            string name = c.Node.Length > 0 ? c.Node : c.Router.Length > 0 ? c.Router : $"router of {c.Region}";
            string mark = IsPicked(c, attempt) ? "*" : attempt.Drawn.Contains((uint)i) ? "+" : "";
            table.Add(mark, name, c.Region, c.Zone,
                Excluded(c),
                Amounts.Number(c.Weight), Amounts.Number(c.Score), Amounts.Milliseconds(c.RoundTripTime),
                Amounts.Milliseconds(c.ServiceTime), $"{c.Outstanding}/{c.Slots}", $"{c.Queued}/{c.QueueMax}",
                Amounts.Percent(c.LoadPercent / 100));
        }

        terminal.Show(table);
        if (attempt.CandidatesTotal > attempt.Candidates.Count)
        {
            terminal.Line($"({attempt.CandidatesTotal - attempt.Candidates.Count} more were looked at.)");
        }
    }

    private static string Excluded(Candidate c) => c.Exclusion == ExclusionReason.Unspecified ? ""
        : Amounts.Words(c.Exclusion) + (c.ExclusionDetail.Length > 0 ? $": {c.ExclusionDetail}" : "");

    /// <summary>A node of the own region, or another region by its router.</summary>
    private static bool IsPicked(Candidate candidate, Attempt attempt) => candidate.Node.Length > 0
        ? candidate.Node == attempt.Node
        : attempt.Node.Length == 0 && candidate.Region == attempt.Region && candidate.Router == attempt.Router;

    private static string Sources(Decision decision)
    {
        string sources = decision.DataClassSources.Count > 0
            ? $" (from {string.Join(", ", decision.DataClassSources)})"
            : "";
        return sources + (decision.Regulated ? ", regulated" : "");
    }

    private static string Result(Decision decision)
    {
        string bytes = $"{decision.RequestBytesRead} bytes of the request read";
        if (decision.StatusCode == (int)StatusCode.OK && decision.ServedBy.Length > 0)
        {
            return $"OK by {decision.ServedBy} in {decision.ServedRegion} ({decision.Provider}), " +
                $"{Amounts.Milliseconds(decision.Duration)}; {bytes}";
        }

        string reason = decision.Reason.Length > 0 ? $" ({decision.Reason}): {decision.Message}" : "";
        return $"{Status(decision.StatusCode)}{reason}; {bytes}";
    }

    private static JsonNode Json(Attempt attempt) => new JsonObject
    {
        ["number"] = attempt.Number,
        ["node"] = attempt.Node,
        ["region"] = attempt.Region,
        ["router"] = attempt.Router,
        ["draws"] = new JsonArray([.. attempt.Draws.Select(d => (JsonNode)d)]),
        ["drawn"] = new JsonArray([.. attempt.Drawn.Select(d => (JsonNode)d)]),
        ["candidates_total"] = attempt.CandidatesTotal,
        ["candidates"] = new JsonArray([.. attempt.Candidates.Select(Json)]),
        ["panic"] = attempt.Panic,
        ["trial"] = attempt.Trial,
        ["duration_ms"] = Amounts.JsonMilliseconds(attempt.Duration),
        ["status"] = Status(attempt.StatusCode),
        ["reason"] = attempt.Reason,
    };

    private static JsonNode Json(Candidate c) => new JsonObject
    {
        ["node"] = c.Node,
        ["region"] = c.Region,
        ["router"] = c.Router,
        ["zone"] = c.Zone,
        ["excluded"] = c.Exclusion == ExclusionReason.Unspecified ? null : Amounts.Words(c.Exclusion),
        ["excluded_detail"] = c.ExclusionDetail,
        ["slowness"] = Finite(c.Slowness),
        ["start_share"] = Finite(c.StartShare),
        ["weight"] = Finite(c.Weight),
        ["score"] = Finite(c.Score),
        ["round_trip_ms"] = Amounts.JsonMilliseconds(c.RoundTripTime),
        ["service_time_ms"] = Amounts.JsonMilliseconds(c.ServiceTime),
        ["slots"] = c.Slots,
        ["outstanding"] = c.Outstanding,
        ["queued"] = c.Queued,
        ["queue_max"] = c.QueueMax,
        ["load_percent"] = Finite(c.LoadPercent),
    };

    /// <summary>JSON has no infinity.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Status(int code) => code < 0 ? "UNDER_WAY" : RpcFailure.Code((StatusCode)code);
}
