using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lepton.Compliance.Client.Law;

/// <summary>
/// Regimes as people write them, in YAML 1.2's core scalars (NO is Norway, not false), as JSON.
/// </summary>
public static class RegimeFile
{
    /// <summary>Longest file: 256 KiB.</summary>
    public const int BytesMax = 256 * 1024;

    private const int DepthMax = 16, NodesMax = 50_000;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ResidencyPolicyException">It is absent, or no YAML of one mapping.</exception>
    public static JsonObject Load(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), Path.GetFileName(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ResidencyPolicyException($"regimes ({Path.GetFileName(path)})",
                $"takes a readable YAML file: {e.Message}");
        }
    }

    /// <summary>Reads a file's bytes.</summary>
    /// <param name="yaml">UTF-8.</param>
    /// <param name="name">For errors.</param>
    /// <exception cref="ResidencyPolicyException">No YAML of one mapping.</exception>
    public static JsonObject Parse(ReadOnlyMemory<byte> yaml, string name)
    {
        if (yaml.Length > BytesMax)
            throw new ResidencyPolicyException(name, $"takes {BytesMax} bytes at most, has {yaml.Length}");
        try
        {
            YamlStream stream = [];
            stream.Load(new StringReader(Encoding.UTF8.GetString(yaml.Span)));
            var nodes = 0;
            return stream.Documents is [{ RootNode: YamlMappingNode root }]
                ? (JsonObject)Convert(root, name, 0, ref nodes)
                : throw new ResidencyPolicyException(name, "takes one YAML document, a mapping");
        }
        catch (YamlException e)
        {
            throw new ResidencyPolicyException(name,
                $"takes YAML; line {e.Start.Line}, column {e.Start.Column}: {e.Message}");
        }
    }

    private static JsonNode Convert(YamlNode node, string name, int depth, ref int nodes)
    {
        // Aliases come as the node that they name: what is small on paper must not become large.
        if (depth > DepthMax || ++nodes > NodesMax)
            throw new ResidencyPolicyException(name, $"takes {DepthMax} levels and {NodesMax} nodes at most");
        switch (node)
        {
            case YamlMappingNode mapping:
                JsonObject made = [];
                foreach (var (key, value) in mapping.Children)
                    made[key is YamlScalarNode { Value: { } text } ? text
                        : throw new ResidencyPolicyException(name, "takes plain keys")] =
                            Convert(value, name, depth + 1, ref nodes);
                return made;
            case YamlSequenceNode sequence:
                JsonArray list = [];
                foreach (var item in sequence.Children)
                    list.Add(Convert(item, name, depth + 1, ref nodes));
                return list;
            case YamlScalarNode scalar:
                return Scalar(scalar);
            default:
                throw new ResidencyPolicyException(name, $"takes no {node.NodeType}");
        }
    }

    private static JsonValue Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain)
            return JsonValue.Create(text);
        return text switch
        {
            "true" => JsonValue.Create(true),
            "false" => JsonValue.Create(false),
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) =>
                JsonValue.Create(whole),
            _ => JsonValue.Create(text),
        };
    }
}
