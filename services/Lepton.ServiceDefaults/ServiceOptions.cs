using System.ComponentModel.DataAnnotations;

namespace Lepton.ServiceDefaults;

/// <summary>What every service is told of its place. Section <c>Lepton</c>.</summary>
public sealed class ServiceOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Lepton";

    /// <summary>The region this process runs in, e.g. <c>eu-west</c>. Required.</summary>
    [Required, RegularExpression("^[a-z][a-z0-9-]{1,30}$",
        ErrorMessage = "2 to 31 of a-z, 0-9 and '-', a letter first, e.g. eu-west")]
    public string Region { get; set; } = "";

    /// <summary>The availability zone, e.g. <c>a</c>. Default <c>a</c>.</summary>
    [Required, RegularExpression("^[a-z0-9-]{1,31}$",
        ErrorMessage = "1 to 31 of a-z, 0-9 and '-', e.g. a")]
    public string Zone { get; set; } = "a";

    /// <summary>The signed file of roles and tenants (<see cref="SignedAccess"/>). Required.</summary>
    [Required(ErrorMessage = "the signed file of roles and tenants; set-up makes one")]
    public string AccessFile { get; set; } = "";

    /// <summary>Server reflection is offered. Default false: for development only.</summary>
    public bool Reflection { get; set; }
}
