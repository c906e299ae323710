using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>What becomes of a change of roles.</summary>
internal abstract record RoleOutcome
{
    private RoleOutcome()
    {
    }

    /// <summary>This is to be written.</summary>
    /// <param name="Next">Its version is one more than that of what it stands on.</param>
    /// <param name="Role">What it is about: as it stands then; one that was taken away: as it stood.</param>
    public sealed record Changed(RolesDocument Next, GrantedRole Role) : RoleOutcome;

    /// <summary>It is so already.</summary>
    public sealed record Same(GrantedRole Role) : RoleOutcome;

    /// <summary>It may not be.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Message">For people.</param>
    /// <param name="Metadata">For programs.</param>
    public sealed record Refused(
        V1.ErrorReason Reason, string Message, IReadOnlyDictionary<string, string>? Metadata = null) : RoleOutcome;
}
