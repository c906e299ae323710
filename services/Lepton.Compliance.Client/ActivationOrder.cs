using System.Text.Json;

namespace Lepton.Compliance.Client;

/// <summary>
/// Which policy version is active where, as one signed document (the record <c>control/residency</c>): it holds the
/// policies themselves, so that who follows it needs nothing else, and what it says changes in one step.
/// </summary>
/// <param name="Version">Counts up with every order; over every version of a policy that was active before.</param>
/// <param name="Active">Policy versions by region; <c>*</c>: every other region. Required: <c>*</c>.</param>
/// <param name="Approvals">Who wrote and who approved each.</param>
/// <param name="Policies">The documents, by version.</param>
public sealed record ActivationOrder(
    long Version, IReadOnlyDictionary<string, long> Active, IReadOnlyDictionary<long, PolicyApproval> Approvals,
    IReadOnlyDictionary<long, ReadOnlyMemory<byte>> Policies)
{
    /// <summary>Every other region.</summary>
    public const string Everywhere = "*";

    private const int RegionsMax = 256, PoliciesMax = 4;

    private static readonly JsonDocumentOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false,
        MaxDepth = 24,
    };

    /// <summary>The version that is active in a region.</summary>
    public long In(string region) => Active.TryGetValue(region, out var version) ? version : Active[Everywhere];

    /// <summary>Reads an order; null: the document is a policy, or nothing that has a form.</summary>
    /// <exception cref="ResidencyPolicyException">It is a wrong order; names the field.</exception>
    public static ActivationOrder? Read(ReadOnlyMemory<byte> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, Options);
        }
        catch (JsonException)
        {
            return null; // whoever reads policies says what is wrong
        }
        using (document)
        {
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("active", out _) ? Read(root) : null;
        }
    }

    /// <summary>The document as it is signed.</summary>
    public ReadOnlyMemory<byte> Write()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteStartObject("active");
            foreach (var (region, version) in Active.OrderBy(a => a.Key, StringComparer.Ordinal))
                json.WriteNumber(region, version);
            json.WriteEndObject();
            json.WriteStartObject("approvals");
            foreach (var (version, approval) in Approvals.OrderBy(a => a.Key))
                approval.Write(json, version);
            json.WriteEndObject();
            json.WriteStartObject("policies");
            foreach (var (version, policy) in Policies.OrderBy(p => p.Key))
            {
                json.WritePropertyName($"{version}");
                json.WriteRawValue(policy.Span); // its digest is over these very bytes
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>The policy for a region: an order's active one, or the document itself.</summary>
    internal static (ReadOnlyMemory<byte> Policy, long? Order) Choose(ReadOnlyMemory<byte> json, string region) =>
        Read(json) is { } order ? (order.Policies[order.In(region)], order.Version) : (json, null);

    private static ActivationOrder Read(JsonElement root)
    {
        foreach (var property in root.EnumerateObject())
            if (property.Name is not ("version" or "active" or "approvals" or "policies"))
                throw new ResidencyPolicyException(property.Name,
                    "is not a field of an order; takes version, active, approvals, policies");
        Dictionary<long, ReadOnlyMemory<byte>> policies = Section(root, "policies").ToDictionary(
            p => VersionOf("policies", p.Name), p => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(
                p.Value.GetRawText()));
        Dictionary<string, long> active = Section(root, "active").ToDictionary(
            p => p.Name, p => p.Value.ValueKind == JsonValueKind.Number && p.Value.TryGetInt64(out var version)
                && policies.ContainsKey(version) ? version
                : throw new ResidencyPolicyException($"active.{p.Name}", "takes the version of one of policies"));
        if (!active.ContainsKey(Everywhere) || active.Count > RegionsMax || policies.Count > PoliciesMax)
            throw new ResidencyPolicyException("active",
                $"takes *, {RegionsMax} regions at most, and {PoliciesMax} policies at most");
        var approvals = Section(root, "approvals").ToDictionary(
            p => VersionOf("approvals", p.Name), p => PolicyApproval.Read(p.Value, $"approvals.{p.Name}"));
        foreach (var version in policies.Keys)
            Check(version, policies[version], approvals);
        return new ActivationOrder(
            root.TryGetProperty("version", out var number) && number.ValueKind == JsonValueKind.Number
                && number.TryGetInt64(out var order) && order >= 1 ? order
                : throw new ResidencyPolicyException("version", "takes a whole number of 1 or more"),
            active, approvals, policies);
    }

    // Who follows an order sees for itself that each policy is the approved one, and that two stand behind it.
    private static void Check(
        long version, ReadOnlyMemory<byte> policy, Dictionary<long, PolicyApproval> approvals)
    {
        if (!approvals.TryGetValue(version, out var approval))
            throw new ResidencyPolicyException($"approvals.{version}", "is required: nobody approved that version");
        if (approval.Digest != ResidencyPolicy.DigestOf(policy))
            throw new ResidencyPolicyException($"approvals.{version}.digest", "is not the policy's: it was changed");
        if (!approval.IsSeed && approval.Author == approval.Approver)
            throw new ResidencyPolicyException($"approvals.{version}.approver",
                "takes somebody else than the author: nobody approves their own");
    }

    private static JsonElement.ObjectEnumerator Section(JsonElement root, string name) =>
        root.TryGetProperty(name, out var section) && section.ValueKind == JsonValueKind.Object
            ? section.EnumerateObject()
            : throw new ResidencyPolicyException(name, "takes an object and is required");

    private static long VersionOf(string section, string text) =>
        long.TryParse(text, System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out var version) && version >= 1
            ? version
            : throw new ResidencyPolicyException($"{section}.{text}", "takes a policy's version");
}
