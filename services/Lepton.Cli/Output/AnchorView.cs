using System.Text.Json.Nodes;
using Lepton.Routing.V1;

namespace Lepton.Cli.Output;

/// <summary>How a decision's record can be proved.</summary>
internal static class AnchorView
{
    public static void Show(Terminal terminal, DecisionAnchor? anchor) => terminal.Line($"Proof      {Words(anchor)}");

    /// <summary>Null: the record is in memory only.</summary>
    public static JsonObject? Json(DecisionAnchor? anchor) => anchor is null ? null : new JsonObject
    {
        ["state"] = State(anchor.State),
        ["segment"] = anchor.Segment,
        ["records"] = anchor.Records,
        ["root"] = anchor.Root,
        ["anchored_root"] = anchor.AnchoredRoot,
        ["audit_event_id"] = anchor.AuditEventId,
        ["anchor_time"] = anchor.AnchorTime?.ToDateTimeOffset().ToString("O"),
    };

    private static string Words(DecisionAnchor? anchor) => anchor?.State switch
    {
        null => "none yet: the record is in memory only",
        AnchorState.Open => $"none yet: segment {anchor.Segment} is still written to",
        AnchorState.Pending => $"none yet: segment {anchor.Segment} is closed and not in the audit log",
        AnchorState.Anchored =>
            $"segment {anchor.Segment}, {anchor.Records} records, is as audit event {anchor.AuditEventId} has it",
        AnchorState.Broken =>
            $"BROKEN: segment {anchor.Segment} was changed after audit event {anchor.AuditEventId}",
        _ => $"unknown: {anchor.State}",
    };

    private static string State(AnchorState state) => state.ToString().ToUpperInvariant();
}
