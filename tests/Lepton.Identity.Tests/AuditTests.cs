using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.Identity.Tests.World;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Identity.Tests;

/// <summary>C4: what the authority tells the audit log.</summary>
[Collection("postgres")]
public sealed class AuditTests(IdentityServer server) : AuthorityTests(server)
{
    private IReadOnlyList<AuditEvent> Events()
    {
        Authority.Services.GetRequiredService<Spool>().Drain();
        return Authority.Services.GetRequiredService<SpoolFiles>().ReadAll();
    }

    [Fact]
    public async Task LogIn_ApprovedDevice_IsToldWithWhoAndHow()
    {
        await new Person(Authority).LogInAsync();
        var events = Events();
        var typed = Assert.Single(events, e => e.Action == "identity.authenticate"
            && e.Details.GetValueOrDefault("grant") == "password");
        Assert.Equal((AuditOutcome.Succeeded, AuditCategory.Authentication, "identity/ada", false, "127.0.0.1"),
            (typed.Outcome, typed.Category, typed.Actor.Principal, typed.Actor.Service, typed.Actor.Address));
        var approved = Assert.Single(events, e => e.Action == "identity.device.approve");
        Assert.Equal((AuditCategory.Authorisation, "identity/ada"), (approved.Category, approved.Actor.Principal));
        var key = Assert.Single(events, e => e.Action == "identity.key.rotate");
        Assert.StartsWith("signing-keys/", key.Resource, StringComparison.Ordinal);
        Assert.All(events, e => Assert.DoesNotContain(TestSite.Password, e.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task LogIn_WrongPasswords_AreToldAndTheLockOutToo()
    {
        var person = new Person(Authority);
        for (var i = 0; i < 5; i++)
        {
            var begun = (await person.BeginAsync()).IsOk();
            await person.SubmitAsync(begun["user_code"], "ada", "wrong");
        }
        var events = Events();
        Assert.Equal(5, events.Count(e => e.Action == "identity.authenticate" && e.Outcome == AuditOutcome.Failed));
        var locked = Assert.Single(events, e => e.Action == "identity.lock-out");
        Assert.Equal((AuditCategory.Security, "identity/ada"), (locked.Category, locked.Actor.Principal));
    }

    [Fact]
    public async Task Revoke_TokenAndSession_AreTold()
    {
        var token = await Authority.ProgramTokenAsync();
        (await Authority.PostAsync(
            "/revoke", [("token", token), .. Authority.Site.Batch.Credentials(Authority)])).IsOk();
        var person = await new Person(Authority).LogInAsync();
        (await Authority.PostAsync("/revoke", ("token", person["refresh_token"]), ("client_id", "lepton-cli"))).IsOk();
        var revoked = Events().Where(e => e.Action == "identity.revoke").ToList();
        Assert.Equal(["tokens", "sessions"], revoked.Select(e => e.Resource.Split('/')[0]));
        Assert.All(revoked, e => Assert.Equal(AuditCategory.Management, e.Category));
        Assert.True(revoked[0].Actor.Service);
    }
}
