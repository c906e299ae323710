using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;

namespace Lepton.Identity.Requests;

/// <summary>
/// What this authority tells the audit log (C4): log-ins and their failures, lock-outs, what people decide about
/// devices, revocations, new keys. Nothing waits for it: a revocation must not fail because it cannot be written down.
/// Principals are <c>identity/NAME</c>.
/// </summary>
internal sealed class AuditTrail(IAuditLog audit)
{
    /// <summary>An authentication, whatever its end.</summary>
    public void Authenticated(AuthenticationEvent what)
    {
        var succeeded = what.Outcome == AuthenticationOutcome.Success;
        var e = new AuditEvent
        {
            Category = AuditCategory.Authentication, Action = "identity.authenticate",
            Outcome = succeeded ? AuditOutcome.Succeeded : AuditOutcome.Failed,
            Reason = succeeded ? "" : what.Reason,
            Actor = Actor(what.Principal, what.Client, what.Address, what.Thumbprint), Tenant = what.Tenant,
        };
        if (succeeded)
            e.Details["grant"] = what.Reason;
        audit.Report(e);
        if (what.Reason != "lock_out")
            return;
        audit.Report(new AuditEvent
        {
            Category = AuditCategory.Security, Action = "identity.lock-out", Outcome = AuditOutcome.Succeeded,
            Actor = Actor(what.Principal, what.Client, what.Address, what.Thumbprint), Tenant = what.Tenant,
        });
    }

    /// <summary>A person let a device in, or refused it.</summary>
    /// <param name="request">The form.</param>
    /// <param name="user">Who approved; null: it was refused, which takes no name.</param>
    public void DeviceDecided(OAuthRequest request, string? user) => audit.Report(new AuditEvent
    {
        Category = AuditCategory.Authorisation,
        Action = user is null ? "identity.device.refuse" : "identity.device.approve",
        Outcome = user is null ? AuditOutcome.Denied : AuditOutcome.Succeeded,
        Actor = Actor(user ?? "", "", request.Address, request.Thumbprint),
    });

    /// <summary>A client took back a token or a log-in.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">The client.</param>
    /// <param name="tenant">Its tenant.</param>
    /// <param name="resource"><c>tokens/JTI</c> or <c>sessions/ID</c>.</param>
    public void Revoked(OAuthRequest request, string client, string tenant, string resource) =>
        audit.Report(new AuditEvent
        {
            Category = AuditCategory.Management, Action = "identity.revoke", Outcome = AuditOutcome.Succeeded,
            Actor = Actor(client, client, request.Address, request.Thumbprint), Tenant = tenant, Resource = resource,
        });

    /// <summary>A signing key was made: the former one ends when this one is used.</summary>
    public void KeyMade(string id) => audit.Report(new AuditEvent
    {
        Category = AuditCategory.Management, Action = "identity.key.rotate", Outcome = AuditOutcome.Succeeded,
        Actor = new AuditActor { Principal = "service/identity", Service = true }, Resource = "signing-keys/" + id,
    });

    private static AuditActor Actor(string principal, string client, string address, string? thumbprint) => new()
    {
        Principal = principal.Length > 0 ? "identity/" + principal : "",
        Service = principal.Length > 0 && principal == client,
        Client = client,
        Address = address,
        CertificateThumbprint = thumbprint ?? "",
    };
}
