using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit;

/// <summary>The name of this service's own log: REGION/ZONE, and of a later generation REGION/ZONE.N.</summary>
internal sealed class LogName
{
    public LogName(IOptions<ServiceOptions> service, IOptions<AuditOptions> audit)
    {
        Region = service.Value.Region;
        Service = $"{Region}/{service.Value.Zone}";
        Value = audit.Value.Generation == 1 ? Service : $"{Service}.{audit.Value.Generation}";
        LockId = BinaryPrimitives.ReadInt64BigEndian(
            SHA256.HashData(Encoding.UTF8.GetBytes("lepton/audit-log/" + Value)));
    }

    public string Region { get; }

    /// <summary>REGION/ZONE: the service, whichever log it writes.</summary>
    public string Service { get; }

    public string Value { get; }

    /// <summary>The advisory lock of whoever writes this log.</summary>
    public long LockId { get; }

    public override string ToString() => Value;
}
