using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Tests.Law;

/// <summary>The shipped policy with its regimes, on a day that does not move, and others made of it.</summary>
internal static class Shipped
{
    public static readonly string[] World = ["us-east", "eu-west", "ap-southeast"];

    public static readonly TimeProvider Time = new FixedTime(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));

    public static ReadOnlyMemory<byte> Bundle { get; } =
        PolicyBundle.Load(Path.Combine(AppContext.BaseDirectory, "residency.json"));

    public static ResidencyPolicy Policy { get; } = Read(Bundle);

    public static ResidencyPolicy Read(ReadOnlyMemory<byte> json) => ResidencyPolicy.Parse(json, World, Time);

    /// <summary>The shipped policy's document, changed.</summary>
    public static ReadOnlyMemory<byte> With(Action<JsonObject> change)
    {
        var policy = (JsonObject)JsonNode.Parse(Bundle.Span)!;
        change(policy);
        return Encoding.UTF8.GetBytes(policy.ToJsonString());
    }

    public static JsonObject Regime(this JsonObject policy, string id) =>
        policy["regimes"]!.AsArray().Select(r => r!.AsObject()).Single(r => (string?)r["id"] == id);

    public static JsonObject Rule(this JsonObject regime, string id) =>
        regime["rules"]!.AsArray().Select(r => r!.AsObject()).Single(r => (string?)r["id"] == id);

    /// <summary>What the rules say with these safeguards in place everywhere and these counts.</summary>
    public static LawAnswer Ask(
        string subject, string category, Purpose purpose, string destination, string safeguards = "",
        string counts = "", string date = "2026-11-25")
    {
        var known = counts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => c.Split('='))
            .ToDictionary(c => c[0], c => long.Parse(c[1], System.Globalization.CultureInfo.InvariantCulture));
        var bits = safeguards.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Aggregate(0UL, (all, s) => all | Vocabulary.Bit(s));
        LawState state = new(Policy.Law!.Regimes,
            DateOnly.Parse(date, System.Globalization.CultureInfo.InvariantCulture),
            c => known.TryGetValue(c, out var n) ? n : null);
        return state.Decide(new LawQuery(subject, category, purpose, destination), bits, Policy.Version);
    }

    public static JsonElement Schema()
    {
        using var schema = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "regimes", "regime.schema.json")));
        return schema.RootElement.Clone();
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
