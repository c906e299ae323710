using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Roles that were granted by call, beside those of the access document: it adds assignments, and withdraws those of
/// the access document that are not of role admin. So whoever signs it can lock out no owner and change no tenant's
/// terms. The record <c>control/roles</c>.
/// </summary>
public sealed record RolesDocument
{
    /// <summary>
    /// Extended key usage of the certificates that sign it: one a region, Compliance's, good for this and nothing else.
    /// </summary>
    public const string KeyUsage = "1.3.6.1.4.1.59999.1.4";

    /// <summary>Most assignments: a record takes 1 MiB, signed and in base64.</summary>
    public const int AssignmentsMax = 1_000;

    /// <summary>Longest reason, in characters.</summary>
    public const int ReasonLengthMax = 250;

    private const int WithdrawnMax = 1_000, RegionsMax = 16, NameLengthMax = 256;

    /// <summary>Nothing was granted yet.</summary>
    public static RolesDocument None { get; } = new() { Version = 0 };

    /// <summary>Counts up with every change.</summary>
    public required long Version { get; init; }

    /// <summary>Those in force, those to come, and those that wait for approval.</summary>
    public IReadOnlyList<GrantedRole> Assignments { get; init; } = [];

    /// <summary>Assignments of the access document that hold no more, by id.</summary>
    public IReadOnlyList<string> Withdrawn { get; init; } = [];

    /// <summary>The document as it is signed.</summary>
    public ReadOnlyMemory<byte> Write() => JsonSerializer.SerializeToUtf8Bytes(this, AccessDocument.Json);

    /// <summary>Reads and checks it.</summary>
    /// <exception cref="AccessFileException">Something in it is wrong; the message names the field.</exception>
    public static RolesDocument Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var document = JsonSerializer.Deserialize<RolesDocument>(json, AccessDocument.Json)
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
        if (Assignments.Count > AssignmentsMax || Withdrawn.Count > WithdrawnMax)
            throw new AccessFileException(
                $"takes {AssignmentsMax} assignments and {WithdrawnMax} that are withdrawn at most.");
        HashSet<string> ids = new(StringComparer.Ordinal);
        for (var i = 0; i < Assignments.Count; i++)
        {
            var (granted, at) = (Assignments[i], $"assignments[{i}]");
            if (granted.Id.Length is 0 or > 64 || !ids.Add(granted.Id))
                throw new AccessFileException($"{at}.id takes 1 to 64 characters, each id once.");
            if (granted.Regions.Count > RegionsMax || granted.Reason.Length > ReasonLengthMax
                || granted.Principal?.Length > NameLengthMax || granted.GrantedBy.Length > NameLengthMax)
                throw new AccessFileException($"{at} takes {RegionsMax} regions, a reason of {ReasonLengthMax} and "
                    + $"names of {NameLengthMax} characters at most.");
            if (granted.Emergency && granted.Expires is null)
                throw new AccessFileException($"{at}.expires: an emergency role takes one.");
            AccessDocument.Check(granted.Assignment, at);
        }
    }
}

/// <summary>One role that was granted by call, and by whom.</summary>
public sealed record GrantedRole
{
    /// <summary>Names it: 1 to 64 characters.</summary>
    public required string Id { get; init; }

    /// <summary>Exactly this principal. Either this or <see cref="Tenant"/>.</summary>
    public string? Principal { get; init; }

    /// <summary>Whoever acts for this tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>A name in <see cref="Roles.All"/>.</summary>
    public required string Role { get; init; }

    /// <summary>Where it holds; <c>*</c>: in every region.</summary>
    public required IReadOnlyList<string> Regions { get; init; }

    /// <summary>It also holds for what belongs to other tenants.</summary>
    public bool AllTenants { get; init; }

    /// <summary>From when on.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Until when.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>The principal who granted it.</summary>
    public required string GrantedBy { get; init; }

    /// <summary>For which tenant that one acted.</summary>
    public required string GrantedFor { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset GrantTime { get; init; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; init; } = "";

    /// <summary>It waits for a second person and holds nothing.</summary>
    public bool Pending { get; init; }

    /// <summary>The principal who approved it; none: none had to.</summary>
    public string? ApprovedBy { get; init; }

    /// <summary>Taken by its holder in an emergency.</summary>
    public bool Emergency { get; init; }

    /// <summary>What it assigns.</summary>
    [JsonIgnore]
    public AccessDocument.Assignment Assignment => new()
    {
        Id = Id, Principal = Principal, Tenant = Tenant, Role = Role, Regions = Regions, AllTenants = AllTenants,
        NotBefore = NotBefore, Expires = Expires, IsEmergency = Emergency,
    };
}
