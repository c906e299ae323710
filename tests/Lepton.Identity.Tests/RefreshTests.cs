using System.Net;
using Lepton.Identity.Tests.World;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: refresh tokens rotate, and one that is shown again ends the session (RFC 9700).</summary>
[Collection("postgres")]
public sealed class RefreshTests(IdentityServer server) : AuthorityTests(server)
{
    private Person Ada => new(Authority);

    [Fact]
    public async Task Refresh_Good_GivesNewTokensOfTheSameSession()
    {
        var first = await Ada.LogInAsync();
        Authority.Time.Advance(TimeSpan.FromMinutes(9));
        var second = (await Ada.RefreshAsync(first["refresh_token"])).IsOk();

        Assert.NotEqual(first["refresh_token"], second["refresh_token"]);
        var (before, after) = (new JsonWebToken(first["access_token"]), new JsonWebToken(second["access_token"]));
        Assert.Equal(before.GetPayloadValue<string>("sid"), after.GetPayloadValue<string>("sid"));
        Assert.Equal(before.GetPayloadValue<long>("auth_time"), after.GetPayloadValue<long>("auth_time"));
        Assert.True(after.ValidTo > before.ValidTo);
        (await Ada.RefreshAsync(second["refresh_token"])).IsOk();
    }

    [Fact]
    public async Task Refresh_UsedToken_EndsTheSession()
    {
        var first = await Ada.LogInAsync();
        var second = (await Ada.RefreshAsync(first["refresh_token"])).IsOk();

        (await Ada.RefreshAsync(first["refresh_token"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");

        (await Ada.RefreshAsync(second["refresh_token"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
        var session = new JsonWebToken(second["access_token"]).GetPayloadValue<string>("sid");
        var service = Authority.Client(Authority.Site.Installation.Service("eu-west", "routing"));
        var revocation = Assert.Single((await Authority.GetAsync("/revocations", service)).IsOk().Json
            .GetProperty("revocations").EnumerateArray());
        Assert.Equal(session, revocation.GetProperty("sid").GetString());
        Assert.Equal("False", (await Authority.PostAsync("/introspect",
            [("token", second["access_token"]), .. Authority.Site.Batch.Credentials(Authority)])).IsOk()["active"]);
        // Another log-in of the same person is not concerned.
        (await Ada.RefreshAsync((await Ada.LogInAsync())["refresh_token"])).IsOk();
    }

    [Fact]
    public async Task Refresh_ManyTimesAtOnce_OneIsAnsweredAndTheSessionEnds()
    {
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var token = (await Ada.LogInAsync())["refresh_token"];
        Person[] people = [Ada, new(second)];
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => people[i % 2].RefreshAsync(token)));

        var won = Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
        Assert.Equal(7, answers.Count(a => a.Status == HttpStatusCode.BadRequest));
        (await Ada.RefreshAsync(won["refresh_token"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
    }

    [Fact]
    public async Task Refresh_UnusedTooLong_IsRefused()
    {
        var token = (await Ada.LogInAsync())["refresh_token"];
        Authority.Time.Advance(TimeSpan.FromDays(7));
        (await Ada.RefreshAsync(token)).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
    }

    [Fact]
    public async Task Refresh_SessionOver_IsRefusedHoweverOftenItWasRefreshed()
    {
        var answer = await Ada.LogInAsync();
        for (var day = 0; day < 29; day += 5)
        {
            answer = (await Ada.RefreshAsync(answer["refresh_token"])).IsOk();
            Authority.Time.Advance(TimeSpan.FromDays(5));
        }
        (await Ada.RefreshAsync(answer["refresh_token"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
    }

    [Fact]
    public async Task Refresh_NearTheSessionsEnd_TokenEndsWithIt()
    {
        Authority.Site.Options["Identity:SessionTime"] = "00:15:00";
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var person = new Person(second);
        var first = await person.LogInAsync();
        Authority.Time.Advance(TimeSpan.FromMinutes(9));
        var last = (await person.RefreshAsync(first["refresh_token"])).IsOk();

        Assert.InRange(int.Parse(last["expires_in"]), 350, 361);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Refresh_UnknownToken_IsInvalidGrant(string token) =>
        (await Ada.RefreshAsync(token)).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");

    [Fact]
    public async Task Refresh_ByAnotherClient_IsInvalidGrantAndHarmsNothing()
    {
        Authority.Site.Seed(clients: [new { id = "other-cli", method = "none" }]);
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var token = (await Ada.LogInAsync())["refresh_token"];

        (await second.PostAsync("/token", ("grant_type", "refresh_token"), ("client_id", "other-cli"),
            ("refresh_token", token))).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
        (await Ada.RefreshAsync(token)).IsOk();
    }

    [Fact]
    public async Task Database_Secrets_AreHashed()
    {
        var begun = await Ada.BeginAsync();
        var tokens = await Ada.LogInAsync();
        var everything = await Authority.InDatabaseAsync(async database => string.Join('\n',
            await database.Database.SqlQuery<string>($"""
                SELECT g::text AS "Value" FROM device_grants g UNION ALL SELECT r::text FROM refresh_tokens r
                UNION ALL SELECT u::text FROM users u UNION ALL SELECT k::text FROM signing_keys k
                """).ToListAsync()));

        Assert.Contains("$argon2id$", everything);
        foreach (var secret in new[] { begun["device_code"], begun["user_code"].Replace("-", "",
            StringComparison.Ordinal), tokens["refresh_token"], TestSite.Password })
        {
            Assert.DoesNotContain(secret, everything);
            Assert.DoesNotContain(Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(secret)), everything);
        }
    }
}
