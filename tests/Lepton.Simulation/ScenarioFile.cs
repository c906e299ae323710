using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lepton.Simulation;

/// <summary>Reads scenarios.json, which names the unit of every number in the number's name.</summary>
internal static class ScenarioFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Every scenario, in the file's order.</summary>
    public static IReadOnlyList<Scenario> Read()
    {
        JsonNode root = Parse();
        return [.. root["scenarios"]!.AsArray().Select(s => Over(root["world"]!.AsObject(), s!.AsObject()))];
    }

    /// <exception cref="ArgumentException">No scenario is called so.</exception>
    public static Scenario Find(string name) => Read().FirstOrDefault(s => s.Name == name)
        ?? throw new ArgumentException($"No scenario is called {name}.", nameof(name));

    /// <summary>What is measured with real processes.</summary>
    public static RealPlan ReadReal() => Parse()["real"].Deserialize<RealPlan>(Json)!;

    private static JsonNode Parse()
    {
        using Stream file = typeof(ScenarioFile).Assembly.GetManifestResourceStream("scenarios.json")
            ?? throw new InvalidOperationException("scenarios.json is not in the assembly.");
        return JsonNode.Parse(file)!;
    }

    private static Scenario Over(JsonObject world, JsonObject scenario)
    {
        JsonObject whole = world.DeepClone().AsObject();
        foreach ((string name, JsonNode? value) in scenario)
            whole[name] = value?.DeepClone();
        return whole.Deserialize<Scenario>(Json)!;
    }
}
