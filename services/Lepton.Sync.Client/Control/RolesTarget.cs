using Lepton.ServiceDefaults;

namespace Lepton.Sync.Client;

/// <summary>
/// Roles granted by call. Signed by the role signer of a region's Compliance, which is good for this record alone, or,
/// to repair it, by the signer of control data.
/// </summary>
public sealed class RolesTarget(AccessFile access) : ControlTarget(ControlData.RolesKey)
{
    /// <inheritdoc />
    public override IReadOnlyList<string> SignerUses { get; } = [RolesDocument.KeyUsage, SignedContent.KeyUsage];

    /// <inheritdoc />
    public override long Version => access.Current.Granted.Version;

    /// <inheritdoc />
    protected override void Use(SignedContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        try
        {
            access.UseRoles(content.Content, content.Version);
        }
        catch (AccessFileException e)
        {
            throw new ControlContentException(e.Message, e);
        }
    }
}
