using System.Security.Authentication;
using System.Text.Json;
using Lepton.Cli.Login;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests.Login;

/// <summary>The device flow (RFC 8628) by real sockets; requirement C1.</summary>
public sealed class LoginCommandTests
{
    private static readonly UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task Login_Approved_KeepsTheTokensForTheOwnerOnly()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Polls.Enqueue("authorization_pending");
        login.Authority.Polls.Enqueue("authorization_pending");

        Assert.Equal(0, await login.LogInAsync());

        Assert.Contains("https://localhost/device", login.Cli.Error, StringComparison.Ordinal);
        Assert.Contains("WDJB-MJHT", login.Cli.Error, StringComparison.Ordinal);
        Assert.Contains("Logged in as ada, tenant harbour-bank", login.Cli.Output, StringComparison.Ordinal);
        Assert.Equal(ownerOnly, File.GetUnixFileMode(login.Store.Path));
        Assert.DoesNotContain(Directory.GetFiles(Path.GetDirectoryName(login.Store.Path)!), f => f.EndsWith(".new"));
        Assert.Equal(login.Authority.Issuer, login.Store.Read()!.Issuer);
        Assert.Equal("openid offline_access", login.Authority.Forms.First()["scope"]);
        Assert.All(login.Authority.Forms, form => Assert.Equal("lepton-cli", form["client_id"]));
        // RFC 8628, 3.2: five seconds when the authority names no interval.
        Assert.Equal([5, 5, 5], login.Time.Waits.Select(w => w.TotalSeconds));
    }

    [Fact]
    public async Task Login_SlowDown_AsksFiveSecondsLaterFromThenOn()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Device["interval"] = 2;
        foreach (string error in new[] { "authorization_pending", "slow_down", "authorization_pending", "slow_down" })
            login.Authority.Polls.Enqueue(error);

        Assert.Equal(0, await login.LogInAsync());

        Assert.Equal([2, 2, 7, 7, 12], login.Time.Waits.Select(w => w.TotalSeconds));
    }

    [Fact]
    public async Task Login_AuthorityBusyMeanwhile_BacksOffAndGoesOn()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Polls.Enqueue(null);
        login.Authority.Polls.Enqueue("authorization_pending");

        Assert.Equal(0, await login.LogInAsync());

        Assert.Equal([5, 10, 10], login.Time.Waits.Select(w => w.TotalSeconds));
        Assert.Contains("HTTP 503", login.Cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("access_denied", "was refused")]
    [InlineData("expired_token", "has expired")]
    [InlineData("invalid_client", "invalid_client: as the test wants it")]
    public async Task Login_Refused_SaysWhyAndKeepsNothing(string error, string says)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Polls.Enqueue(error);

        Assert.Equal(1, await login.LogInAsync());

        Assert.Contains(says, login.Cli.Error, StringComparison.Ordinal);
        Assert.Contains("./lepton login", login.Cli.Error, StringComparison.Ordinal);
        Assert.Null(login.Store.Read());
    }

    [Fact]
    public async Task Login_NobodyDecides_EndsWhenTheCodeDoes()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Device["expires_in"] = 60;
        for (int i = 0; i < 100; i++)
            login.Authority.Polls.Enqueue("authorization_pending");

        Assert.Equal(1, await login.LogInAsync());

        Assert.Contains("has expired", login.Cli.Error, StringComparison.Ordinal);
        Assert.Equal(11, login.Authority.Forms.Count(f => f.ContainsKey("grant_type")));
    }

    [Fact]
    public async Task Login_Interrupted_StopsAsking()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        using Authority authority = await FindAsync(login);
        DeviceCode code = await authority.BeginAsync(CancellationToken.None);
        using CancellationTokenSource interrupt = new();
        login.Authority.Polls.Enqueue("authorization_pending");
        login.Time.Waiting = _ =>
        {
            if (login.Authority.Polls.Count == 0)
                interrupt.Cancel();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new DeviceFlow(authority, login.Time, _ => { }).WaitAsync(code, "", interrupt.Token));
        Assert.Single(login.Authority.Forms, f => f.ContainsKey("grant_type"));
    }

    [Fact]
    public async Task Login_PlatformNamesItsAuthority_NeedsNoIssuer()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        PlatformFile platform = login.Cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));
        (platform with { Identity = new PlatformIdentity { IssuerUrl = login.Authority.Issuer } })
            .Write(login.Cli.Installation.Instance("default").PlatformFile);

        Assert.Equal(0, await login.Cli.RunAsync("login", "--json"));

        using JsonDocument json = JsonDocument.Parse(login.Cli.Output);
        Assert.Equal("ada", json.RootElement.GetProperty("login").GetProperty("principal").GetString());
    }

    [Fact]
    public async Task Login_Again_EndsTheFormerSession()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        StoredLogin former = await login.LoggedInAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(0, await login.LogInAsync());

        Assert.Equal([former.RefreshToken!], login.Authority.Revoked);
        Assert.NotEqual(former.AccessToken, login.Store.Read()!.AccessToken);
    }

    [Theory]
    [InlineData("no --issuer was given", "login")]
    [InlineData("an https address is needed", "login", "--issuer", "http://localhost/")]
    [InlineData("an https address is needed", "login", "--issuer", "https://ada:pw@localhost/")]
    [InlineData("--client-id: 1 to 256", "login", "--issuer", "https://localhost", "--client-id", "")]
    [InlineData("--instance a/b", "login", "--instance", "a/b")]
    public async Task Login_WrongOptions_IsUsage(string says, params string[] args)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();

        Assert.Equal(2, await login.Cli.RunAsync(args));
        Assert.Contains(says, login.Cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_AuthorityAway_IsDown()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.IsDown = true;

        Assert.Equal(3, await login.LogInAsync());
        Assert.Contains("does not answer: HTTP 503", login.Cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_OtherServiceUnderTheAddress_IsNotTrusted()
    {
        await using LoginFixture login = await LoginFixture.StartAsync(service: "inference");

        Assert.Equal(3, await login.LogInAsync());
        Assert.Empty(login.Authority.Forms);
    }

    [Fact]
    public async Task Login_AuthoritySpeaksTls12_IsNotTalkedTo()
    {
        await using LoginFixture login = await LoginFixture.StartAsync(protocols: SslProtocols.Tls12);

        Assert.Equal(3, await login.LogInAsync());
        Assert.Empty(login.Authority.Forms);
    }

    [Fact]
    public async Task Login_SystemTrust_DoesNotTakeTheInstallationsAuthority()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();

        Assert.Equal(3, await login.LogInAsync("--system-trust"));
        Assert.Empty(login.Authority.Forms);
    }

    [Theory]
    [InlineData("issuer", "https://elsewhere.example", "both must be the same")]
    [InlineData("device_authorization_endpoint", "http://localhost/plain", "is no https address")]
    [InlineData("token_endpoint", 7, "names no token_endpoint")]
    public async Task Login_WrongDiscovery_NamesTheField(string field, object value, string says)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Document[field] = value;

        Assert.Equal(1, await login.LogInAsync());
        Assert.Contains(says, login.Cli.Error, StringComparison.Ordinal);
        Assert.Empty(login.Authority.Forms);
    }

    [Theory]
    [InlineData("user_code", "\u001b[2J")]
    [InlineData("verification_uri", "javascript:alert(1)")]
    [InlineData("expires_in", -1)]
    [InlineData("interval", 86400)]
    public async Task Login_WrongDeviceAnswer_NamesTheField(string field, object value)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        login.Authority.Device[field] = value;

        Assert.Equal(1, await login.LogInAsync());
        Assert.Contains($"without a usable {field}", login.Cli.Error, StringComparison.Ordinal);
    }

    private static Task<Authority> FindAsync(LoginFixture login) => Authority.FindAsync(
        login.Authority.Issuer, "lepton-cli", login.Cli.Installation.Authority, login.Time, CancellationToken.None);
}
