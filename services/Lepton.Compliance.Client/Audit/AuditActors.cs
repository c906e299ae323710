using System.Net;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Client.Audit;

/// <summary>Callers as the audit log names them.</summary>
public static class AuditActors
{
    /// <summary>Who was seen at the door.</summary>
    public static AuditActor Of(in CallerSight sight) => new()
    {
        Principal = sight.Caller?.Principal ?? "",
        // People log in, which gives their tokens a session; programs have certificates or tokens without one.
        Service = sight.Caller is not null && sight.Token is not { Session.Length: > 0 },
        Address = TextOf(sight.Address),
        TokenId = sight.Token?.Id ?? "",
        CertificateThumbprint = sight.Thumbprint ?? "",
    };

    /// <summary>An address; empty when it is not known.</summary>
    public static string TextOf(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        _ => address.ToString(),
    };

    /// <summary>A request's path as an action.</summary>
    public static string ActionOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.TrimStart('/');
    }
}
