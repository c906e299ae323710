using System.Net;
using Lepton.Compliance.Client.Intrusion;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Requests;

/// <summary>Writes every authentication down, and tells intrusion detection and the audit log of it.</summary>
internal sealed class IntrusionLog(
    AuthenticationLog log, ISecurityEvents events, AuditTrail audit, IOptions<ServiceOptions> service)
    : IAuthenticationLog
{
    public void Record(AuthenticationEvent what)
    {
        log.Record(what);
        audit.Authenticated(what);
        events.Report(new SecurityEvent
        {
            Time = what.Time,
            Kind = what.Outcome == AuthenticationOutcome.Success
                ? SecurityEventKind.AuthenticationSucceeded
                : SecurityEventKind.AuthenticationFailed,
            Principal = NullIfEmpty(what.Principal),
            IsService = what.Principal == what.Client,
            Client = NullIfEmpty(what.Client),
            Tenant = NullIfEmpty(what.Tenant),
            Address = IPAddress.TryParse(what.Address, out var address) ? address : null,
            Thumbprint = what.Thumbprint,
            Region = service.Value.Region,
        });
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
