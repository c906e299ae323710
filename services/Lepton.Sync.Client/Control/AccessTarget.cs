using Lepton.ServiceDefaults;

namespace Lepton.Sync.Client;

/// <summary>Roles and tenants: the document of the access file.</summary>
internal sealed class AccessTarget(AccessFile access) : ControlTarget(ControlData.AccessKey)
{
    public override long Version => access.Current.Version;

    protected override void Use(SignedContent content)
    {
        try
        {
            access.Use(content.Content, content.Version);
        }
        catch (AccessFileException e)
        {
            throw new ControlContentException(e.Message, e);
        }
    }
}
