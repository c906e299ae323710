using System.ComponentModel.DataAnnotations;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>Roles by call. Section <c>Compliance:Roles</c>.</summary>
internal sealed class RoleOptions
{
    public const string Section = "Compliance:Roles";

    /// <summary>
    /// The certificate that signs roles granted by call, a PEM file (extended key usage 1.3.6.1.4.1.59999.1.4).
    /// Required. Read anew for each signing: renewals need no restart.
    /// </summary>
    [Required(ErrorMessage = "the region's role signer certificate: a PEM file")]
    public string SignerCertificateFile { get; set; } = "";

    /// <summary>Its key, a PEM file. Required.</summary>
    [Required(ErrorMessage = "the key of the region's role signer certificate: a PEM file")]
    public string SignerKeyFile { get; set; } = "";

    /// <summary>Longest time that an emergency role is taken for. 1 min to 24 h, default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "1.00:00:00", ErrorMessage = "1 min to 24 h")]
    public TimeSpan EmergencyTimeMax { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Roles that may be taken in an emergency, at most 16. None named: operator and admin.</summary>
    [MaxLength(16)]
    public IList<string> EmergencyRoles { get; } = [];

    /// <summary>What waits for approval for longer is dropped. 1 h to 30 days, default 3 days.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00", ErrorMessage = "1 h to 30 days")]
    public TimeSpan ApprovalTimeMax { get; set; } = TimeSpan.FromDays(3);

    /// <summary>Changes that wait for each other at one process. 1 to 1,000, default 32.</summary>
    [Range(1, 1000)]
    public int WaitingMax { get; set; } = 32;

    /// <summary>Those that are named, or the default.</summary>
    public IReadOnlyList<string> Emergency => EmergencyRoles.Count > 0 ? [.. EmergencyRoles] : ["operator", "admin"];

    public static IEnumerable<string> Faults(RoleOptions options)
    {
        for (var i = 0; i < options.EmergencyRoles.Count; i++)
            if (!ServiceDefaults.Roles.All.ContainsKey(options.EmergencyRoles[i]))
                yield return $"{Section}:EmergencyRoles:{i} takes one of "
                    + $"{string.Join(", ", ServiceDefaults.Roles.All.Keys.Order())}, "
                    + $"not '{options.EmergencyRoles[i]}'.";
    }
}
