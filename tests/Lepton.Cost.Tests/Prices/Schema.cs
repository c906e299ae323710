using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Lepton.Cost.Tests.Prices;

/// <summary>
/// Judges JSON by <c>price-book.schema.json</c>: the keywords of JSON Schema 2020-12 that it uses. A keyword that this
/// does not know fails the test, so that no rule is passed over.
/// </summary>
internal static class Schema
{
    private static readonly JsonNode Root = JsonNode.Parse(File.ReadAllText(Books.SchemaFile))!;

    /// <summary>The first fault with its path; null: valid.</summary>
    public static string? Fault(JsonNode? value) => Check(Root, value, "");

    private static string? Check(JsonNode schema, JsonNode? value, string at)
    {
        foreach (var (keyword, rule) in schema.AsObject())
        {
            var fault = keyword switch
            {
                "$schema" or "title" or "description" or "additionalProperties" => null,
                "type" => IsOf(rule!.GetValue<string>(), value) ? null : $"{at}: no {rule}",
                "required" => value is JsonObject o ? rule!.AsArray().Select(r => r!.GetValue<string>())
                    .Where(name => !o.ContainsKey(name)).Select(name => $"{at}: {name} is required").FirstOrDefault()
                    : null,
                "properties" => value is JsonObject o ? Properties(schema, rule!.AsObject(), o, at) : null,
                "items" => value is JsonArray list
                    ? list.Select((one, i) => Check(rule!, one, $"{at}[{i}]")).FirstOrDefault(f => f is not null)
                    : null,
                "minItems" => value is JsonArray list && list.Count < rule!.GetValue<int>() ? $"{at}: too few" : null,
                "maxItems" => value is JsonArray list && list.Count > rule!.GetValue<int>() ? $"{at}: too many" : null,
                "minLength" => Text(value) is { } t && t.Length < rule!.GetValue<int>() ? $"{at}: too short" : null,
                "maxLength" => Text(value) is { } t && t.Length > rule!.GetValue<int>() ? $"{at}: too long" : null,
                "pattern" => Text(value) is { } t && !Regex.IsMatch(t, rule!.GetValue<string>())
                    ? $"{at}: not of {rule}" : null,
                "minimum" => value is JsonValue v && v.GetValueKind() == JsonValueKind.Number
                    && v.GetValue<decimal>() < rule!.GetValue<decimal>() ? $"{at}: too small" : null,
                "enum" => rule!.AsArray().Any(r => JsonNode.DeepEquals(r, value)) ? null : $"{at}: not of {rule}",
                _ => throw new InvalidOperationException($"The schema uses {keyword}, which this does not know."),
            };
            if (fault is not null)
                return fault;
        }
        return null;
    }

    private static string? Properties(JsonNode schema, JsonObject rules, JsonObject value, string at)
    {
        foreach (var (name, one) in value)
        {
            if (rules[name] is { } rule)
            {
                if (Check(rule, one, $"{at}.{name}") is { } fault)
                    return fault;
            }
            else if (schema["additionalProperties"]?.GetValue<bool>() == false)
            {
                return $"{at}.{name}: unknown";
            }
        }
        return null;
    }

    private static string? Text(JsonNode? value) =>
        value is JsonValue v && v.GetValueKind() == JsonValueKind.String ? v.GetValue<string>() : null;

    private static bool IsOf(string type, JsonNode? value) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => Text(value) is not null,
        "integer" => value is JsonValue v && v.GetValueKind() == JsonValueKind.Number
            && v.GetValue<decimal>() % 1 == 0,
        _ => throw new InvalidOperationException($"The schema uses type {type}, which this does not know."),
    };
}
