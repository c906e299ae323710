using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Lepton.ServiceDefaults;

/// <summary>What the signed access file says: who has which role where, and what each tenant may ask for.</summary>
public sealed partial record AccessDocument
{
    private const int AssignmentsMax = 100_000, TenantsMax = 10_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        NumberHandling = JsonNumberHandling.Strict,
        RespectNullableAnnotations = true,
        MaxDepth = 8,
    };

    /// <summary>Counts up with every change; a lower one than before is refused.</summary>
    public required long Version { get; init; }

    /// <summary>Who has which role where.</summary>
    public required IReadOnlyList<Assignment> Assignments { get; init; }

    /// <summary>Tenants by name. One that is not named has none of the terms' limits and no right of theirs.</summary>
    public required IReadOnlyDictionary<string, TenantTerms> Tenants { get; init; }

    /// <summary>One role of one principal, or of all principals of a tenant.</summary>
    public sealed record Assignment
    {
        /// <summary>Exactly this principal, e.g. <c>lepton/anna</c>. Either this or <see cref="Tenant"/>.</summary>
        public string? Principal { get; init; }

        /// <summary>Whoever acts for this tenant; <c>*</c>: for any.</summary>
        public string? Tenant { get; init; }

        /// <summary>A name in <see cref="Roles.All"/>.</summary>
        public required string Role { get; init; }

        /// <summary>Where it holds; <c>*</c>: in every region.</summary>
        public required IReadOnlyList<string> Regions { get; init; }

        /// <summary>It also holds for what belongs to other tenants. Default false.</summary>
        public bool AllTenants { get; init; }

        internal bool HoldsIn(string region) => Regions.Contains("*") || Regions.Contains(region);
    }

    /// <summary>Reads and checks it.</summary>
    /// <exception cref="AccessFileException">Something in it is wrong; the message names the field.</exception>
    public static AccessDocument Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var document = JsonSerializer.Deserialize<AccessDocument>(json, Json)
                ?? throw new AccessFileException("takes a JSON object.");
            document.Check();
            return document;
        }
        catch (JsonException e)
        {
            throw new AccessFileException($"{e.Path ?? "$"}: {e.Message}");
        }
    }

    private void Check()
    {
        if (Version < 1)
            throw new AccessFileException("version takes a whole number of 1 or more.");
        if (Assignments.Count > AssignmentsMax || Tenants.Count > TenantsMax)
            throw new AccessFileException($"takes {AssignmentsMax} assignments and {TenantsMax} tenants at most.");
        for (var i = 0; i < Assignments.Count; i++)
            Check(Assignments[i], $"assignments[{i}]");
        foreach (var (name, terms) in Tenants)
        {
            if (!Caller.IsName(name))
                throw new AccessFileException($"tenants: '{name}' is no tenant's name.");
            terms.Check($"tenants.{name}");
        }
    }

    private static void Check(Assignment assignment, string at)
    {
        if (string.IsNullOrEmpty(assignment.Principal) == string.IsNullOrEmpty(assignment.Tenant))
            throw new AccessFileException($"{at} takes either principal or tenant.");
        if (!Roles.All.ContainsKey(assignment.Role))
            throw new AccessFileException(
                $"{at}.role takes one of {string.Join(", ", Roles.All.Keys.Order())}; not '{assignment.Role}'.");
        if (assignment.Regions.Count == 0 || assignment.Regions.Any(r => r != "*" && !RegionName.IsMatch(r)))
            throw new AccessFileException($"{at}.regions takes names of regions, or [\"*\"].");
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{1,30}$")]
    private static partial Regex RegionName { get; }
}

/// <summary>The access file is not what it must be.</summary>
public sealed class AccessFileException(string message) : Exception($"The access file: {message}");
