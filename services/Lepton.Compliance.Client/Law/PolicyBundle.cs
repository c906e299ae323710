using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lepton.Compliance.Client.Law;

/// <summary>
/// A policy's one document: what its file says, with the regimes that it names (<c>regimes/ID.yaml</c> beside it) put
/// in their names' place. That is what is signed, kept and replayed: law that changes in a file changes no version.
/// </summary>
public static class PolicyBundle
{
    private const int FileBytesMax = 1 << 20;

    private static readonly JsonDocumentOptions Lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false,
        MaxDepth = 16,
    };

    private static readonly JsonSerializerOptions Compact = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // section signs and dashes stay readable
    };

    /// <summary>A file's document. One that names no regimes is taken as it is, byte for byte.</summary>
    /// <exception cref="ResidencyPolicyException">The file, or one of a regime, is absent or not usable.</exception>
    public static ReadOnlyMemory<byte> Load(string path)
    {
        ReadOnlyMemory<byte> bytes;
        try
        {
            if (new FileInfo(path).Length > FileBytesMax)
                throw new ResidencyPolicyException(
                    "Lepton:PolicyFile", $"takes a file of {FileBytesMax} bytes at most");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ResidencyPolicyException("Lepton:PolicyFile", $"takes a readable JSON file: {e.Message}");
        }
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "", "regimes");
        return Parse(bytes) is { } policy && policy["regimes"] is JsonArray regimes
            ? Inline(policy, regimes, name => RegimeFile.Load(Path.Combine(folder, name + ".yaml")))
            : bytes;
    }

    private static ReadOnlyMemory<byte> Inline(JsonObject policy, JsonArray regimes, Func<string, JsonObject> load)
    {
        for (var i = 0; i < regimes.Count; i++)
        {
            if (regimes[i] is not JsonValue value || value.GetValueKind() != JsonValueKind.String)
                continue; // in its place already
            var name = value.GetValue<string>();
            if (!LawFields.IdForm().IsMatch(name))
                throw new ResidencyPolicyException($"regimes[{i}]", $"takes a regime's id, not \"{name}\"");
            var regime = load(name);
            if (regime["id"] is not JsonValue id || id.ToString() != name)
                throw new ResidencyPolicyException($"regimes[{i}]", $"{name}.yaml takes id: {name}");
            regimes[i] = regime;
        }
        return Encoding.UTF8.GetBytes(policy.ToJsonString(Compact));
    }

    private static JsonObject? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonNode.Parse(json.Span, null, Lenient) as JsonObject;
        }
        catch (JsonException)
        {
            return null; // the reader says what is wrong
        }
    }
}
