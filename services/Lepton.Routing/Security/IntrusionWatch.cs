using Lepton.Compliance.Client.Intrusion;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Security;

/// <summary>Tells intrusion detection what happens at this router's door, and asks it who is locked out.</summary>
internal sealed class IntrusionWatch(
    ISecurityEvents events, PrincipalLocks locks, IOptions<ServiceOptions> service, TimeProvider time) : ICallerWatch
{
    public DateTimeOffset? LockedUntil(Caller caller) =>
        caller.Kind == CallerKind.Tenant && locks.IsLocked(caller.Principal, out DateTimeOffset until) ? until : null;

    public void Named(in CallerSight sight) => events.Report(Event(
        sight, sight.Token is null ? SecurityEventKind.AuthenticationSucceeded : SecurityEventKind.TokenSeen, null));

    public void Refused(in CallerSight sight) =>
        events.Report(Event(sight, SecurityEventKind.AuthenticationFailed, null));

    public void Denied(in CallerSight sight, string permission) =>
        events.Report(Event(sight, SecurityEventKind.AuthorisationDenied, permission));

    private SecurityEvent Event(in CallerSight sight, SecurityEventKind kind, string? permission) => new()
    {
        Time = time.GetUtcNow(),
        Kind = kind,
        Principal = sight.Caller?.Principal,
        // People log in, which gives their tokens a session; programs have certificates or tokens without one.
        IsService = sight.Token is not { Session.Length: > 0 },
        Tenant = sight.Caller is { Kind: CallerKind.Tenant } caller ? caller.Tenant : null,
        Address = sight.Address,
        Thumbprint = sight.Thumbprint,
        TokenId = sight.Token?.Id,
        Region = service.Value.Region,
        Permission = permission,
    };
}
