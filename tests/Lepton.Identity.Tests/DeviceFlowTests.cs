using System.Net;
using Lepton.Identity.Tests.World;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: people log in by the device flow (RFC 8628) on a plain page.</summary>
[Collection("postgres")]
public sealed class DeviceFlowTests(IdentityServer server) : AuthorityTests(server)
{
    private Person Ada => new(Authority);

    [Fact]
    public async Task Flow_Approved_GivesTokensOfThePerson()
    {
        var begun = (await Ada.BeginAsync()).IsOk();
        Assert.Equal($"{Authority.Issuer}/device", begun["verification_uri"]);
        Assert.Equal($"{Authority.Issuer}/device?user_code={begun["user_code"]}", begun["verification_uri_complete"]);
        Assert.Equal(("600", "5"), (begun["expires_in"], begun["interval"]));
        Assert.Matches("^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$", begun["user_code"]);
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "authorization_pending");
        var approved = Authority.Time.GetUtcNow();

        Assert.Contains("Your device is in",
            (await Ada.SubmitAsync(begun["user_code"], "ada", TestSite.Password)).IsOk().Text);

        Authority.Time.Advance(TimeSpan.FromSeconds(6));
        var answer = (await Ada.PollAsync(begun["device_code"])).IsOk();
        var token = new JsonWebToken(answer["access_token"]);
        Assert.Equal(("ada", "lepton-cli", "acme"), (token.Subject, token.GetPayloadValue<string>("client_id"),
            token.GetPayloadValue<string>("tenant")));
        Assert.Equal(approved.ToUnixTimeSeconds(), token.GetPayloadValue<long>("auth_time"));
        Assert.NotEmpty(token.GetPayloadValue<string>("sid"));
        Assert.NotEmpty(answer["refresh_token"]);
        // One log-in, one session.
        Authority.Time.Advance(TimeSpan.FromSeconds(6));
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
    }

    [Fact]
    public async Task Flow_SecondInstance_GoesOnWhereTheFirstWas()
    {
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var begun = (await Ada.BeginAsync()).IsOk();
        var there = new Person(second);
        (await there.SubmitAsync(begun["user_code"], "ada", TestSite.Password)).IsOk();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            (i % 2 == 0 ? Ada : there).PollAsync(begun["device_code"])));

        Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
    }

    [Fact]
    public async Task Poll_TooOften_SlowsDown()
    {
        var code = (await Ada.BeginAsync())["device_code"];
        (await Ada.PollAsync(code)).IsRefused(HttpStatusCode.BadRequest, "authorization_pending");
        (await Ada.PollAsync(code)).IsRefused(HttpStatusCode.BadRequest, "slow_down");
        Authority.Time.Advance(TimeSpan.FromSeconds(6)); // enough before; the interval is 10 s now
        (await Ada.PollAsync(code)).IsRefused(HttpStatusCode.BadRequest, "slow_down");
        Authority.Time.Advance(TimeSpan.FromSeconds(15));
        (await Ada.PollAsync(code)).IsRefused(HttpStatusCode.BadRequest, "authorization_pending");
    }

    [Fact]
    public async Task Poll_AfterItsTime_IsExpired()
    {
        var begun = await Ada.BeginAsync();
        Authority.Time.Advance(TimeSpan.FromMinutes(10));
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "expired_token");
        var late = await Ada.SubmitAsync(begun["user_code"], "ada", TestSite.Password);
        Assert.Equal(HttpStatusCode.BadRequest, late.Status);
        Assert.True(await Sweeping.SweepAsync(Authority) >= 1);
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
    }

    [Fact]
    public async Task Poll_ApprovedButTooLate_IsExpired()
    {
        var begun = await Ada.BeginAsync();
        (await Ada.SubmitAsync(begun["user_code"], "ada", TestSite.Password)).IsOk();
        Authority.Time.Advance(TimeSpan.FromMinutes(10));
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "expired_token");
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Poll_UnknownCode_IsNoGrant(string code) => (await Ada.PollAsync(code))
        .IsRefused(HttpStatusCode.BadRequest, code.Length == 0 ? "invalid_request" : "invalid_grant");

    [Fact]
    public async Task Poll_OfAnotherClient_IsNoGrant()
    {
        Authority.Site.Seed(clients: [new { id = "other-cli", method = "none" }]);
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var begun = await Ada.BeginAsync();
        (await Ada.SubmitAsync(begun["user_code"], "ada", TestSite.Password)).IsOk();

        (await Authority.PostAsync("/token", ("grant_type", Person.DeviceGrant), ("client_id", "other-cli"),
            ("device_code", begun["device_code"]))).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
        (await Ada.PollAsync(begun["device_code"])).IsOk();
    }

    [Fact]
    public async Task Page_Refused_DeniesTheDevice()
    {
        var begun = await Ada.BeginAsync();
        Assert.Contains("refused", (await Ada.SubmitAsync(begun["user_code"], "", "", "refuse")).IsOk().Text);

        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "access_denied");
        var again = await Ada.SubmitAsync(begun["user_code"], "ada", TestSite.Password);
        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
    }

    [Fact]
    public async Task Page_CodeInAnyForm_IsUnderstood()
    {
        var begun = await Ada.BeginAsync();
        var typed = " " + begun["user_code"].ToLowerInvariant().Replace("-", "", StringComparison.Ordinal)
            .Insert(2, "-").Insert(5, " ");
        (await Ada.SubmitAsync(typed, "ada", TestSite.Password)).IsOk();
        (await Ada.PollAsync(begun["device_code"])).IsOk();
    }

    [Theory]
    [InlineData("ada", "wrong password")]
    [InlineData("nobody", "wrong password")]
    [InlineData("Ünreal ' name", "wrong password")]
    public async Task Page_WrongPassword_EndsTheCodeAfterItsTries(string name, string password)
    {
        var begun = await Ada.BeginAsync();
        for (var i = 0; i < 5; i++)
        {
            var answer = await Ada.SubmitAsync(begun["user_code"], name, password);
            Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
            Assert.Contains("User name or password is wrong", answer.Text);
        }
        Authority.Time.Advance(TimeSpan.FromMinutes(5)); // the account is free again, the code is not
        Assert.Equal(HttpStatusCode.BadRequest,
            (await Ada.SubmitAsync(begun["user_code"], "ada", TestSite.Password)).Status);
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "access_denied");
    }

    [Fact]
    public async Task Page_ForgedForm_IsRefused()
    {
        var begun = await Ada.BeginAsync();
        var (cookie, token, _) = await Ada.OpenAsync();
        var (_, otherToken, _) = await Ada.OpenAsync();
        (string, string)[] form =
        [
            ("user_code", begun["user_code"]), ("username", "ada"), ("password", TestSite.Password),
            ("action", "approve"),
        ];

        foreach (var (shown, origin, hidden) in new (string?, string?, string?)[]
        {
            (null, null, token), (cookie, null, null), (cookie, null, otherToken), (cookie, null, ""),
            (cookie, "https://evil.example", token), (cookie, "null", token),
        })
        {
            var answer = await Ada.SubmitAsync(
                shown, origin, hidden is null ? form : [.. form, ("token", hidden)]);
            Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        }
        (await Ada.PollAsync(begun["device_code"])).IsRefused(HttpStatusCode.BadRequest, "authorization_pending");
        (await Ada.SubmitAsync(cookie, Authority.Issuer, [.. form, ("token", token)])).IsOk();
    }

    [Fact]
    public async Task Page_Form_IsLockedDown()
    {
        var (_, _, page) = await Ada.OpenAsync();
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; style-src 'sha256-", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotContain("<script", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("DENY", page.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal("no-referrer", page.Headers.GetValues("Referrer-Policy").Single());
        Assert.True(page.Headers.CacheControl?.NoStore);
        var cookie = page.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("__Host-", cookie);
        foreach (var attribute in new[] { "secure", "httponly", "samesite=strict", "path=/" })
            Assert.Contains(attribute, cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Page_CodeFromTheAddress_IsEscaped()
    {
        var page = await Authority.GetAsync("/device?user_code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
        Assert.DoesNotContain("<script", page.IsOk().Text);
        var answer = await Ada.SubmitAsync("\"><script>alert(1)</script>", "ada", "x");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.DoesNotContain("<script", answer.Text);
    }

    [Fact]
    public async Task Begin_WrongRequests_HaveTheirCodes()
    {
        (await Authority.PostAsync("/device_authorization")).IsRefused(HttpStatusCode.BadRequest, "invalid_request");
        (await Authority.PostAsync("/device_authorization", ("client_id", "nobody")))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        (await Authority.PostAsync("/device_authorization", ("client_id", "lepton-cli"), ("scope", "openid")))
            .IsRefused(HttpStatusCode.BadRequest, "invalid_scope");
        (await Authority.PostAsync("/device_authorization", Authority.Site.Batch.Credentials(Authority)))
            .IsRefused(HttpStatusCode.BadRequest, "unauthorized_client");
    }
}
