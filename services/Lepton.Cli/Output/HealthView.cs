using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.V1;

namespace Lepton.Cli.Output;

/// <summary>Which places are ejected, which circuits are open, why and until when.</summary>
internal static class HealthView
{
    /// <summary>The state in a table's cell.</summary>
    public static string State(Node node, DateTimeOffset now)
    {
        string state = Amounts.Words(node.State);
        if (node.Health is not { } health)
        {
            return state;
        }

        if (health.EjectedUntilTime is { } until)
        {
            state += $", ejected {Left(until, now)}";
        }

        return health.Circuits.Count == 0
            ? state
            : $"{state}, {health.Circuits.Count} circuit{(health.Circuits.Count == 1 ? "" : "s")} open";
    }

    /// <summary>A line for each ejection and each circuit that is not closed.</summary>
    public static IEnumerable<string> Notes(IEnumerable<Node> nodes, DateTimeOffset now)
    {
        foreach (Node node in nodes)
        {
            if (node.Health?.EjectedUntilTime is { } until)
            {
                yield return $"{node.Report.Node} is ejected for {Left(until, now)} ({Clock(until)}): " +
                    node.Health.EjectionDetail;
            }

            foreach (ModelCircuit circuit in node.Health?.Circuits ?? [])
            {
                string next = circuit.TrialTime is { } trial ? $"next trial in {Left(trial, now)} ({Clock(trial)})"
                    : Amounts.Words(circuit.State);
                string model = $"{circuit.Model} {circuit.Version}";
                yield return $"{node.Report.Node}: circuit of {model}, {next}: {circuit.Detail}";
            }
        }
    }

    public static JsonObject? Json(PlaceHealth? health) => health is null ? null : new JsonObject
    {
        ["ejection_cause"] = health.EjectionCause == EjectionCause.Unspecified ? null
            : Amounts.Words(health.EjectionCause),
        ["ejection_detail"] = health.EjectionDetail,
        ["ejected_until_time"] = health.EjectedUntilTime?.ToDateTimeOffset().ToString("O"),
        ["ejections"] = health.Ejections,
        ["start_share"] = Math.Round(health.StartShare, 3),
        ["circuits"] = new JsonArray([.. health.Circuits.Select(c => new JsonObject
        {
            ["model"] = c.Model,
            ["version"] = c.Version,
            ["state"] = Amounts.Words(c.State),
            ["detail"] = c.Detail,
            ["trial_time"] = c.TrialTime?.ToDateTimeOffset().ToString("O"),
            ["times"] = c.Times,
        })]),
    };

    private static string Left(Timestamp until, DateTimeOffset now)
    {
        TimeSpan left = until.ToDateTimeOffset() - now;
        return Amounts.Seconds(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    private static string Clock(Timestamp time) => $"until {time.ToDateTimeOffset():HH:mm:ss} UTC";
}
