using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Commands.Policies;

/// <summary>Past decisions once more: as <c>lepton explain ID --json</c> prints them, one after the other.</summary>
internal static class PastCommands
{
    private const int DecisionsMax = 10_000;

    public static Command Simulate(Session session)
    {
        Argument<long> version = new("VERSION") { Description = "Which policy to try." };
        Argument<string> file = Decisions();
        Command command = new("simulate", "Past decisions under another policy.") { version, file };
        return PolicyCommand.Calls(session).Complete(command, async (parse, call, cancellation) =>
        {
            SimulateRequest request = new() { Version = parse.GetValue(version) };
            request.Decisions.AddRange(Read(
                await InferCommand.ReadAsync(parse.GetRequiredValue(file), cancellation)));
            SimulateResponse answer = await call.Gateway.Policies.SimulateAsync(request, call.Options);
            Show(call, PolicyView.Json(answer), answer.Total, answer.Changed, "would come out otherwise");
            return ExitCode.Ok;
        });
    }

    public static Command Replay(Session session)
    {
        Argument<string> file = Decisions();
        Command command = new("replay", "Past decisions by the very policies that made them: are they the same?")
        {
            file,
        };
        return PolicyCommand.Calls(session).Complete(command, async (parse, call, cancellation) =>
        {
            ReplayRequest request = new();
            request.Decisions.AddRange(Read(
                await InferCommand.ReadAsync(parse.GetRequiredValue(file), cancellation)));
            ReplayResponse answer = await call.Gateway.Policies.ReplayAsync(request, call.Options);
            Show(call, PolicyView.Json(answer), answer.Total, answer.Different, "came out otherwise");
            return answer.Different.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
        });
    }

    private static Argument<string> Decisions() => new("FILE")
    {
        Description = "Decisions as ./lepton explain ID --json prints them, one or many.",
    };

    internal static IEnumerable<PastDecision> Read(ReadOnlyMemory<byte> text)
    {
        List<PastDecision> decisions = [];
        byte[] bytes = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text.Span).Trim());
        Utf8JsonReader reader = new(bytes, new JsonReaderOptions { AllowMultipleValues = true });
        try
        {
            while (reader.Read())
            {
                using JsonDocument one = JsonDocument.ParseValue(ref reader);
                decisions.Add(Read(one.RootElement));
                if (decisions.Count > DecisionsMax)
                {
                    throw new CommandFailure(ExitCode.Usage, $"FILE takes {DecisionsMax} decisions at most.");
                }
            }
        }
        catch (JsonException e)
        {
            throw new CommandFailure(ExitCode.Usage,
                $"Decision {decisions.Count + 1} in FILE is no JSON: {e.Message}");
        }

        return decisions;
    }

    private static PastDecision Read(JsonElement json)
    {
        PastDecision made = new()
        {
            Id = Text(json, "decision_id"), Tenant = Text(json, "tenant"), Model = Text(json, "model"),
            DataClass = Text(json, "data_class"), PolicyDigest = Text(json, "policy_digest"),
        };
        if (!DateTimeOffset.TryParse(Text(json, "create_time"), CultureInfo.InvariantCulture,
            DateTimeStyles.RoundtripKind, out DateTimeOffset time)
            || !long.TryParse(Text(json, "policy_version"), out long version))
        {
            throw new CommandFailure(ExitCode.Usage,
                $"Decision {made.Id} in FILE takes create_time and policy_version, as explain --json prints them.");
        }

        made.CreateTime = time.ToTimestamp();
        made.PolicyVersion = version;
        if (json.TryGetProperty("allowed_regions", out JsonElement regions)
            && regions.ValueKind == JsonValueKind.Array)
        {
            made.AllowedRegions.AddRange(regions.EnumerateArray().Select(r => r.GetString() ?? ""));
        }

        return made;
    }

    private static string Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";

    private static void Show(
        GatewayCall call, System.Text.Json.Nodes.JsonObject json, int total,
        RepeatedField<ChangedDecision> changed, string how)
    {
        if (call.Json)
        {
            call.Terminal.Json(json);
            return;
        }

        foreach (ChangedDecision decision in changed)
        {
            call.Terminal.Line($"{decision.Id} {decision.DataClass}: {string.Join(", ", decision.Was)} → "
                + $"{string.Join(", ", decision.Is)} ({decision.Why})");
        }

        call.Terminal.Line($"{changed.Count} of {total} decisions {how}.");
    }
}
