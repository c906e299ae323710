using System.Net;
using System.Security.Authentication;
using Lepton.Identity.Requests;
using Lepton.Identity.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Identity.Tests;

/// <summary>C1, C2, E5: the service as others see it: discovery, TLS, health, limits, metrics, bad options.</summary>
[Collection("postgres")]
public sealed class ServiceTests(IdentityServer server) : AuthorityTests(server)
{
    [Fact]
    public async Task Discovery_BothDocuments_SayTheSameAndLeadSomewhere()
    {
        var openId = (await Authority.GetAsync("/.well-known/openid-configuration")).IsOk();
        var oauth = (await Authority.GetAsync("/.well-known/oauth-authorization-server")).IsOk();
        Assert.Equal(openId.Text, oauth.Text);
        Assert.Equal(Authority.Issuer, openId["issuer"]);
        foreach (var endpoint in openId.Json.EnumerateObject().Where(m => m.Name.EndsWith("_endpoint", default)))
        {
            Assert.StartsWith(Authority.Issuer + "/", endpoint.Value.GetString());
            (await Authority.PostAsync(new Uri(endpoint.Value.GetString()!).AbsolutePath))
                .IsRefused(HttpStatusCode.BadRequest, "invalid_request");
        }
        (await Authority.GetAsync(new Uri(openId["jwks_uri"]).AbsolutePath)).IsOk();
    }

    [Fact]
    public async Task Tls_OldVersionOrStrangersCertificate_IsRefused()
    {
        using var old = new HttpClient(Site.Installation.Handler(null, SslProtocols.Tls12))
        {
            BaseAddress = new Uri(Authority.Address),
        };
        await Assert.ThrowsAsync<HttpRequestException>(() => Authority.GetAsync("/jwks", old));
        using var elsewhere = new TestInstallation();
        foreach (var shown in new[]
        {
            elsewhere.Tenant("acme"), elsewhere.Service("eu-west", "routing"),
            Site.Installation.Issue("server-only", "spiffe://lepton.local/tenant/acme", ["1.3.6.1.5.5.7.3.1"]),
        })
            await Assert.ThrowsAsync<HttpRequestException>(
                () => Authority.GetAsync("/jwks", Authority.Client(shown)));
    }

    [Fact]
    public async Task Endpoints_NotOpen_StillWantACaller()
    {
        foreach (var path in new[] { "/health/live", "/health/ready", "/metrics", "/nowhere" })
        {
            using var response = await Authority.Http.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.StartsWith("CALLER_UNKNOWN: ", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        var service = Authority.Client(Site.Installation.Service("eu-west", "monitoring"));
        Assert.Equal("Healthy", (await Authority.GetAsync("/health/live", service)).IsOk().Text);
        Assert.Equal("Healthy", (await Authority.GetAsync("/health/ready", service)).IsOk().Text);
    }

    [Fact]
    public async Task Metrics_AfterUse_AreScraped()
    {
        await Authority.ProgramTokenAsync();
        await new Person(Authority).LogInAsync();
        (await Authority.PostAsync("/token")).IsRefused(HttpStatusCode.BadRequest, "invalid_request");
        var service = Authority.Client(Site.Installation.Service("eu-west", "monitoring"));
        var text = (await Authority.GetAsync("/metrics", service)).IsOk().Text;
        foreach (var part in new[]
        {
            "lepton_identity_tokens_total{", "grant=\"client_credentials\"", "grant=\"device_code\"",
            "lepton_identity_refusals_total{", "error_type=\"invalid_request\"",
            "lepton_identity_hash_duration_seconds_count", "lepton_identity_key_age_seconds",
        })
            Assert.Contains(part, text);
    }

    [Fact]
    public void Readme_Metrics_AreTheServices()
    {
        Assert.NotNull(Authority);
        var differences = MetricList.Differences(
            MetricList.Listed(MetricList.RepositoryFile("services/Lepton.Identity/README.md")),
            MetricList.Live(MetricList.IsOfService, PrometheusText.NameOf));
        Assert.True(differences.Length == 0, differences);
    }

    [Fact]
    public async Task Rate_OneAddress_IsAskedToWait()
    {
        Site.Options["Identity:Rate:AddressPerMinute"] = "5";
        await using var narrow = await TestAuthority.StartAsync(Site, isSecond: true);
        for (var i = 0; i < 5; i++)
            (await narrow.GetAsync("/jwks")).IsOk();
        var refused = await narrow.GetAsync("/jwks");
        refused.IsRefused(HttpStatusCode.TooManyRequests, "slow_down");
        Assert.InRange(refused.Headers.RetryAfter?.Delta?.TotalSeconds ?? 0, 11, 12);
        Site.Time.Advance(TimeSpan.FromSeconds(13));
        (await narrow.GetAsync("/jwks")).IsOk();
        (await narrow.GetAsync("/jwks")).IsRefused(HttpStatusCode.TooManyRequests, "slow_down");
    }

    [Fact]
    public async Task Rate_OneClient_IsAskedToWaitAndStrangersCannotUseItUp()
    {
        Site.Options["Identity:Rate:ClientPerMinute"] = "3";
        await using var narrow = await TestAuthority.StartAsync(Site, isSecond: true);
        for (var i = 0; i < 10; i++)
            (await narrow.PostAsync("/token", ("grant_type", "client_credentials"), ("client_id", "batch")))
                .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        for (var i = 0; i < 3; i++)
            await narrow.ProgramTokenAsync();
        (await narrow.PostAsync("/token", [("grant_type", "client_credentials"), .. Site.Batch.Credentials(narrow)]))
            .IsRefused(HttpStatusCode.TooManyRequests, "slow_down");
        (await narrow.PostAsync("/token", [("grant_type", "client_credentials"), .. Site.Other.Credentials(narrow)]))
            .IsOk();
    }

    [Fact]
    public async Task Rate_CodesAndPasswords_AreAskedToWait()
    {
        Site.Options["Identity:Rate:LogInPerMinute"] = "3";
        await using var narrow = await TestAuthority.StartAsync(Site, isSecond: true);
        var person = new Person(narrow);
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.BadRequest, (await person.SubmitAsync("BCDF-GHJK", "ada", "x")).Status);
        var refused = await person.SubmitAsync("BCDF-GHJK", "ada", "x");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public void Rate_MoreThanAreCounted_StaysBounded()
    {
        var limits = new RateLimits(Options.Create(new IdentityOptions
        {
            Rate = new RateOptions { AddressPerMinute = 1, CountedMax = 100 },
        }), Site.Time);
        for (var i = 0; i < 10_000; i++)
            Assert.Null(limits.Address($"10.0.{i >> 8}.{i & 255}"));
        Assert.NotNull(limits.Address("10.0.39.15"));
    }

    [Fact]
    public async Task Database_Away_IsUnavailableAndComesBack()
    {
        var name = new NpgsqlConnectionStringBuilder(Site.Database).Database;
        await AllowAsync(name, false);
        (await Authority.PostAsync("/token", ("grant_type", "client_credentials"), ("client_id", "batch")))
            .IsRefused(HttpStatusCode.ServiceUnavailable, "temporarily_unavailable");
        (await Authority.GetAsync("/jwks")).IsOk(); // keys are in memory
        var service = Authority.Client(Site.Installation.Service("eu-west", "monitoring"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await Authority.GetAsync("/health/ready", service)).Status);
        await AllowAsync(name, true);
        await Authority.ProgramTokenAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_DatabaseFile_IsReadInBothForms(bool isJson)
    {
        var file = Path.Combine(Site.Installation.Directory, "connections.json");
        await File.WriteAllTextAsync(file, isJson
            ? System.Text.Json.JsonSerializer.Serialize(new { routing = "x", identity = Site.Database })
            : Site.Database + "\n");
        Site.Options["Identity:Database"] = "";
        Site.Options["Identity:DatabaseFile"] = file;
        await using var second = await TestAuthority.StartAsync(Site, isSecond: true);
        await second.ProgramTokenAsync();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Host=/nowhere;Username=identity;Database=identity")] // of an earlier run
    public async Task Start_DatabaseNotThereYet_IsWaitedFor(string? before)
    {
        var file = Path.Combine(Site.Installation.Directory, "connections.json");
        if (before is not null)
            await File.WriteAllTextAsync(file, before);
        Site.Options["Identity:Database"] = "";
        Site.Options["Identity:DatabaseFile"] = file;
        var starting = TestAuthority.StartAsync(Site, isSecond: true);
        Assert.False(starting.IsCompleted, $"{starting.Exception}");
        await File.WriteAllTextAsync(file, Site.Database);
        await using var second = await starting;
        await second.ProgramTokenAsync();
    }

    [Fact]
    public async Task Start_DatabaseRefuses_EndsAfterItsTime()
    {
        Site.Options["Identity:Database"] = Site.Database.Replace("Password=", "Password=x", StringComparison.Ordinal);
        Site.Options["Identity:StartTimeMax"] = "00:00:01";
        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => TestAuthority.StartAsync(Site, isSecond: true));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    private async Task AllowAsync(string? name, bool allow)
    {
        await using var connection = new NpgsqlConnection(Server.SuperConnection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}; "
            + $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND NOT {allow}",
            connection);
        await command.ExecuteNonQueryAsync();
    }
}
