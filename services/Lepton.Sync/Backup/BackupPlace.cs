using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup;

/// <summary>Whose backups: a node's, in its region.</summary>
/// <param name="Region">Only there are they opened.</param>
/// <param name="Node">REGION-ZONE.</param>
internal sealed record BackupPlace(string Region, string Node)
{
    public static BackupPlace Of(IOptions<ServiceOptions> options) =>
        new(options.Value.Region, $"{options.Value.Region}-{options.Value.Zone}");
}
