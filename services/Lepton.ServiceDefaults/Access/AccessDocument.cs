using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Lepton.ServiceDefaults;

/// <summary>What the signed access file says: who has which role where, and what each tenant may ask for.</summary>
public sealed partial record AccessDocument
{
    private const int AssignmentsMax = 100_000, TenantsMax = 10_000, DutiesMax = 100;

    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
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

    /// <summary>Which roles and permissions nobody may hold together. Default: none.</summary>
    public IReadOnlyList<DutyRule> Duties { get; init; } = [];

    /// <summary>Roles that a second person must approve when they are granted by call.</summary>
    public IReadOnlyList<string> Approvals { get; init; } = 
        ["admin", "auditor", "audit-officer", "compliance-officer"];

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

        /// <summary>From when on it holds; none: it always did.</summary>
        public DateTimeOffset? NotBefore { get; init; }

        /// <summary>From when on it holds no more; none: it does not end by itself.</summary>
        public DateTimeOffset? Expires { get; init; }

        /// <summary>
        /// Its name: one that is granted by call has one, that of a file follows from what it says, so that it can be
        /// named and withdrawn by call.
        /// </summary>
        [JsonIgnore]
        public string Id { get => field ?? SeedId(); init; }

        /// <summary>Of which sort it is.</summary>
        [JsonIgnore]
        public bool IsEmergency { get; init; }

        /// <summary>Does it hold at this time?</summary>
        public bool HoldsAt(DateTimeOffset now) => !(NotBefore > now) && !(Expires <= now);

        /// <summary>Does it hold in this region?</summary>
        public bool HoldsIn(string region) => Regions.Contains("*") || Regions.Contains(region);

        // What it says, one way to write it. A tab is in none of the names.
        private string SeedId() => "seed-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{Principal}\t{Tenant}\t{Role}\t{string.Join(',', Regions.Order(StringComparer.Ordinal))}\t{AllTenants}")))
            [..16];
    }

    /// <summary>
    /// What one principal may not hold by two assignments in one region: a role or a permission each
    /// (<c>auditor</c>, <c>NODES_MANAGE</c>). A role that holds several of them by itself does not break it.
    /// </summary>
    /// <param name="Name">What the rule is called.</param>
    /// <param name="Apart">Two or more.</param>
    public sealed record DutyRule(string Name, IReadOnlyList<string> Apart);

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
        CheckDuties();
        foreach (var (name, terms) in Tenants)
        {
            if (!Caller.IsName(name))
                throw new AccessFileException($"tenants: '{name}' is no tenant's name.");
            terms.Check($"tenants.{name}");
        }
    }

    private void CheckDuties()
    {
        foreach (var role in Approvals.Where(r => !Roles.All.ContainsKey(r)))
            throw new AccessFileException($"approvals takes names of roles; not '{role}'.");
        if (Duties.Count > DutiesMax)
            throw new AccessFileException($"duties takes {DutiesMax} rules at most.");
        for (var i = 0; i < Duties.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(Duties[i].Name) || Duties[i].Apart.Distinct().Count() < 2)
                throw new AccessFileException($"duties[{i}] takes a name, and two or more in apart.");
            foreach (var side in Duties[i].Apart.Where(s => !Roles.All.ContainsKey(s) && Roles.Find(s) is null))
                throw new AccessFileException($"duties[{i}].apart takes roles and permissions; not '{side}'.");
        }
    }

    internal static void Check(Assignment assignment, string at)
    {
        if (assignment.NotBefore >= assignment.Expires)
            throw new AccessFileException($"{at}.expires takes a time after notBefore.");
        if (string.IsNullOrEmpty(assignment.Principal) == string.IsNullOrEmpty(assignment.Tenant))
            throw new AccessFileException($"{at} takes either principal or tenant.");
        if (!Roles.All.ContainsKey(assignment.Role))
            throw new AccessFileException(
                $"{at}.role takes one of {string.Join(", ", Roles.All.Keys.Order())}; not '{assignment.Role}'.");
        if (assignment.Regions.Count == 0 || assignment.Regions.Any(r => r != "*" && !RegionName.IsMatch(r)))
            throw new AccessFileException($"{at}.regions takes names of regions, or [\"*\"].");
    }

    /// <summary>A region's name: 2 to 31 of a-z, 0-9 and hyphens, a letter first.</summary>
    [GeneratedRegex("^[a-z][a-z0-9-]{1,30}$")]
    public static partial Regex RegionName { get; }
}

/// <summary>The access file is not what it must be.</summary>
public sealed class AccessFileException(string message) : Exception($"The access file: {message}");
