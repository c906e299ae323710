using System.Net;
using System.Text.Json;
using Lepton.Identity.Revocation;
using Lepton.Identity.Storage;
using Lepton.Identity.Tests.World;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: revocation (RFC 7009), introspection (RFC 7662), and the list that services read.</summary>
[Collection("postgres")]
public sealed class RevocationTests(IdentityServer server) : IAsyncLifetime
{
    private TestSite? _site;
    private TestAuthority? _authority;
    private HttpClient? _service;

    private TestAuthority Authority => _authority ?? throw new InvalidOperationException("not started");

    private Person Ada => new(Authority);

    private TestProgram Batch => Authority.Site.Batch;

    public async Task InitializeAsync()
    {
        _site = await TestSite.CreateAsync(server);
        _site.Options["Identity:RevocationsPageMax"] = "10";
        _authority = await TestAuthority.StartAsync(_site);
        _service = _authority.Client(_site.Installation.Service("eu-west", "routing"));
    }

    public async Task DisposeAsync()
    {
        if (_authority is not null)
            await _authority.DisposeAsync();
        _site?.Dispose();
    }

    [Fact]
    public async Task Revoke_AccessToken_IsListedByItsIdUntilItIsOver()
    {
        var token = await Authority.ProgramTokenAsync();
        Assert.Equal("True", await ActiveAsync(token));
        var revoked = (await Authority.PostAsync(
            "/revoke", [("token", token), .. Batch.Credentials(Authority)])).IsOk();
        Assert.Empty(revoked.Text);
        Assert.True(revoked.Headers.CacheControl?.NoStore);
        (await Authority.PostAsync("/revoke", [("token", token), .. Batch.Credentials(Authority)])).IsOk();

        var read = new JsonWebToken(token);
        var (next, entries) = await ListAsync(0);
        var entry = Assert.Single(entries);
        Assert.Equal(read.Id, entry.GetProperty("jti").GetString());
        Assert.True(entry.GetProperty("exp").GetInt64() >= read.GetPayloadValue<long>("exp") + 30);
        Assert.False(entry.TryGetProperty("before", out _));
        Assert.Equal("False", await ActiveAsync(token));
        Assert.Equal((next, 0), await CountAsync(next));
        // No longer than needed, and the number is not given out again.
        Authority.Time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal((0, 0), await CountAsync(0));
        await Sweeping.SweepAsync(Authority);
        Assert.Equal(0, await Authority.InDatabaseAsync(d => d.Revocations.CountAsync()));
        await RevokeAsync(await Authority.ProgramTokenAsync());
        Assert.Equal(1, (await CountAsync(next)).Count);
    }

    [Fact]
    public async Task Revoke_RefreshToken_EndsTheSession()
    {
        var tokens = await Ada.LogInAsync();
        (await Authority.PostAsync("/revoke", ("client_id", "lepton-cli"), ("token", tokens["refresh_token"]),
            ("token_type_hint", "access_token"))).IsOk(); // a wrong hint does no harm

        (await Ada.RefreshAsync(tokens["refresh_token"])).IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
        var entry = Assert.Single((await ListAsync(0)).Entries);
        Assert.Equal(new JsonWebToken(tokens["access_token"]).GetPayloadValue<string>("sid"),
            entry.GetProperty("sid").GetString());
        Assert.Equal("False", await ActiveAsync(tokens["access_token"]));
    }

    [Fact]
    public async Task Revoke_AnothersToken_IsRefused()
    {
        var token = await Authority.ProgramTokenAsync();
        var refresh = (await Ada.LogInAsync())["refresh_token"];
        foreach (var theirs in new[] { token, refresh })
            (await Authority.PostAsync("/revoke", [("token", theirs), .. Authority.Site.Other.Credentials(Authority)]))
                .IsRefused(HttpStatusCode.BadRequest, "invalid_grant");
        Assert.Empty((await ListAsync(0)).Entries);
        (await Ada.RefreshAsync(refresh)).IsOk();
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAAA")]
    public async Task Revoke_UnknownToken_IsOk(string token)
    {
        (await Authority.PostAsync("/revoke", ("client_id", "lepton-cli"), ("token", token))).IsOk();
        Assert.Equal("False", await ActiveAsync(token));
    }

    [Fact]
    public async Task Revoke_WithoutClientOrToken_IsRefused()
    {
        (await Authority.PostAsync("/revoke", ("token", "x"))).IsRefused(HttpStatusCode.BadRequest, "invalid_request");
        (await Authority.PostAsync("/revoke", ("token", "x"), ("client_id", "batch")))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        (await Authority.PostAsync("/revoke", ("client_id", "lepton-cli")))
            .IsRefused(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Introspect_GoodToken_SaysWhatIsInIt()
    {
        var token = new JsonWebToken((await Ada.LogInAsync())["access_token"]);
        var answer = (await Authority.PostAsync(
            "/introspect", [("token", token.EncodedToken), .. Batch.Credentials(Authority)])).IsOk();

        Assert.True(answer.Json.GetProperty("active").GetBoolean());
        foreach (var claim in new[] { "iss", "sub", "client_id", "tenant", "jti", "sid" })
            Assert.Equal(token.GetPayloadValue<string>(claim), answer[claim]);
        foreach (var claim in new[] { "iat", "exp", "auth_time" })
            Assert.Equal(token.GetPayloadValue<long>(claim), answer.Json.GetProperty(claim).GetInt64());
        Authority.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("False", await ActiveAsync(token.EncodedToken));
    }

    [Fact]
    public async Task Introspect_ByWhom_Matters()
    {
        var token = await Authority.ProgramTokenAsync();
        (await Authority.PostAsync("/introspect", ("token", token)))
            .IsRefused(HttpStatusCode.BadRequest, "invalid_request");
        (await Authority.PostAsync("/introspect", ("token", token), ("client_id", "lepton-cli")))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        // Another tenant's client learns nothing; a service of the installation may know.
        Assert.Equal("""{"active":false}""", (await Authority.PostAsync("/introspect",
            [("token", token), .. Authority.Site.Other.Credentials(Authority)])).IsOk().Text);
        var bound = await TestAuthority.PostAsync(
            Authority.Client(Authority.Site.Installation.Tenant("acme")), "/token",
            ("grant_type", "client_credentials"), ("client_id", "device-7"));
        var seen = (await TestAuthority.PostAsync(
            _service!, "/introspect", ("token", bound["access_token"]))).IsOk();
        Assert.NotEmpty(seen.Json.GetProperty("cnf").GetProperty("x5t#S256").GetString()!);
        // A refresh token is nobody's business.
        Assert.Equal("False", await ActiveAsync((await Ada.LogInAsync())["refresh_token"]));
    }

    [Fact]
    public async Task List_NotAService_IsRefused()
    {
        (await Authority.GetAsync("/revocations?after=0")).IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        var tenant = Authority.Client(Authority.Site.Installation.Tenant("acme"));
        (await Authority.GetAsync("/revocations?after=0", tenant)).IsRefused(HttpStatusCode.Forbidden, "access_denied");
        foreach (var wrong in new[] { "after=-1", "after=x", "after=", "after=1&after=2",
            "after=99999999999999999999" })
            (await Authority.GetAsync("/revocations?" + wrong, _service))
                .IsRefused(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task List_ConcurrentWriters_AReaderThatGoesOnMissesNone()
    {
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var ids = Enumerable.Range(0, 200).Select(i => $"session-{i}").ToList();
        var writing = Parallel.ForEachAsync(ids, new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (id, _) => await WriteAsync(id.Length % 2 == 0 ? Authority : second, id));

        List<string> seen = [];
        long after = 0;
        for (var isLast = false; ; isLast = writing.IsCompleted)
        {
            var (next, entries) = await ListAsync(after);
            Assert.True(next >= after && entries.Count <= 10);
            seen.AddRange(entries.Select(e => e.GetProperty("sid").GetString()!));
            if (isLast && entries.Count == 0)
                break;
            after = next;
        }
        await writing;
        Assert.Equal(ids.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task List_NumberOfAnotherDatabase_BeginsAnew()
    {
        Assert.Equal((0, 0), await CountAsync(7));
        await RevokeAsync(await Authority.ProgramTokenAsync());
        var (next, entries) = await ListAsync(1_000_000);
        Assert.Single(entries);
        Assert.Equal(next, (await ListAsync(0)).Next);
    }

    private static async Task WriteAsync(TestAuthority authority, string session)
    {
        await using var database = await authority.Services.GetRequiredService<IDbContextFactory<IdentityContext>>()
            .CreateDbContextAsync();
        await using var transaction = await database.Database.BeginTransactionAsync();
        await authority.Services.GetRequiredService<RevocationList>().AddSessionAsync(database, session, default);
        await transaction.CommitAsync();
    }

    private async Task RevokeAsync(string token) =>
        (await Authority.PostAsync("/revoke", [("token", token), .. Batch.Credentials(Authority)])).IsOk();

    private async Task<string> ActiveAsync(string token) => (await Authority.PostAsync(
        "/introspect", [("token", token), .. Batch.Credentials(Authority)])).IsOk()["active"];

    private async Task<(long Next, int Count)> CountAsync(long after)
    {
        var (next, entries) = await ListAsync(after);
        return (next, entries.Count);
    }

    private async Task<(long Next, List<JsonElement> Entries)> ListAsync(long after)
    {
        var answer = (await Authority.GetAsync($"/revocations?after={after}", _service)).IsOk();
        return (answer.Json.GetProperty("next").GetInt64(),
            [.. answer.Json.GetProperty("revocations").EnumerateArray()]);
    }
}
