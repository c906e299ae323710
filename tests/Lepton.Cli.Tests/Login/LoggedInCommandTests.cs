using System.Diagnostics;
using System.Text.Json;
using Lepton.Cli.Login;
using Lepton.Cli.Tests.Gateway;
using Lepton.Cli.Tests.Inference;
using Lepton.Platform.V1;
using Lepton.Routing.V1;

namespace Lepton.Cli.Tests.Login;

/// <summary>What the other commands do while somebody is logged in, and the end of that; requirement C1.</summary>
public sealed class LoggedInCommandTests
{
    [Fact]
    public async Task Infer_LoggedIn_SendsTheTokenAndNoCertificate()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await using FakeGateway gateway = await GatewayAsync(login, _ => true);
        StoredLogin stored = await login.LoggedInAsync(TimeSpan.FromMinutes(5));

        Assert.Equal((0, ""), (await login.Cli.RunAsync("infer", "language", "Guten Tag"), login.Cli.Error));

        Assert.Equal([(stored.AccessToken, null)], gateway.Answers.Callers);
    }

    [Theory]
    [InlineData(true, "--tenant", "demo")]
    [InlineData(false)]
    public async Task Infer_TenantGivenOrNotLoggedIn_ShowsTheCertificateAndNoToken(bool loggedIn, params string[] more)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await using FakeGateway gateway = await GatewayAsync(login, _ => true);
        if (loggedIn)
            await login.LoggedInAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(0, await login.Cli.RunAsync(["infer", "language", "Guten Tag", .. more]));

        Assert.Equal([(null, "CN=tenant-demo")], gateway.Answers.Callers);
    }

    [Fact]
    public async Task Infer_TokenRevoked_RenewsOnceAndIsServed()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        StoredLogin stored = await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        await using FakeGateway gateway = await GatewayAsync(login, token => token != stored.AccessToken);

        Assert.Equal((0, ""), (await login.Cli.RunAsync("infer", "language", "Guten Tag"), login.Cli.Error));

        Assert.Equal(
            [stored.AccessToken, login.Store.Read()!.AccessToken], gateway.Answers.Callers.Select(c => c.Token));
        Assert.Equal(1, login.Authority.Renewals);
    }

    [Fact]
    public async Task Infer_NoTokenIsTaken_TriesTwiceAndSaysLogInAgain()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        await using FakeGateway gateway = await GatewayAsync(login, _ => false);

        Assert.Equal(1, await login.Cli.RunAsync("infer", "language", "Guten Tag"));

        Assert.Equal((2, 1), (gateway.Answers.Callers.Count, login.Authority.Renewals));
        Assert.Contains("UNAUTHENTICATED: the token was revoked", login.Cli.Error, StringComparison.Ordinal);
        Assert.Contains("Log in again: ./lepton login", login.Cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_LoginOver_SaysLogInAgainAndAsksNoGateway()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.Zero);
        login.Authority.Grant(); // the stored refresh token counts no more
        await using FakeGateway gateway = await GatewayAsync(login, _ => true);

        Assert.Equal(1, await login.Cli.RunAsync("nodes", "--json"));

        Assert.Empty(gateway.Answers.Callers);
        Assert.Contains("The login is over", login.Cli.Error, StringComparison.Ordinal);
    }

    /// <summary>The programs themselves: what one process writes the others must read.</summary>
    [Fact]
    public async Task Nodes_ThreeProcessesAtOnce_SpendTheRefreshTokenOnce()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        StoredLogin stored = await login.LoggedInAsync(TimeSpan.Zero);
        await using FakeGateway gateway = await GatewayAsync(login, token => token != stored.AccessToken);

        (int Exit, string Told)[] ended =
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RunProcessAsync(login)));

        Assert.All(ended, e => Assert.Equal((0, "[]"), (e.Exit, e.Told.Trim())));
        Assert.Equal((1, false), (login.Authority.Renewals, login.Authority.WasReused));
        string renewed = login.Store.Read()!.AccessToken;
        Assert.Equal([renewed, renewed, renewed], gateway.Answers.Callers.Select(c => c.Token));
    }

    [Fact]
    public async Task WhoAmI_PlatformRuns_TellsTheTokenAndTheGatewaysWord()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        await using FakeGateway gateway = await GatewayAsync(login, _ => true);
        gateway.Answers.Caller = new WhoAmIResponse
        {
            Principal = "lepton/anna",
            Tenant = "harbour-bank",
            Permissions = { Permission.NodesManage },
            Roles = { new AssignedRole { Role = "operator", Regions = { "eu-west" } } },
        };

        Assert.Equal(0, await login.Cli.RunAsync("whoami"));

        foreach (string line in new[]
                 {
                     "Principal  ada", "Tenant     harbour-bank", "Client     lepton-cli", "Session    session-7",
                     $"Issuer     {login.Authority.Issuer}", "not verified here", "renewed by itself",
                     "Gateway    eu-west takes the token: lepton/anna of tenant harbour-bank",
                     "Role       operator in eu-west",
                 })
        {
            Assert.Contains(line, login.Cli.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WhoAmI_GatewayRefuses_SaysSoInJsonAndFails()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        await using FakeGateway gateway = await GatewayAsync(login, _ => false);

        Assert.Equal(1, await login.Cli.RunAsync("whoami", "--json"));

        using JsonDocument json = JsonDocument.Parse(login.Cli.Output);
        JsonElement who = json.RootElement.GetProperty("login");
        Assert.Equal("ada", who.GetProperty("principal").GetString());
        Assert.False(who.GetProperty("verified").GetBoolean());
        Assert.Equal("UNAUTHENTICATED",
            json.RootElement.GetProperty("gateway").GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task WhoAmI_PlatformNotRunning_TellsTheTokenAlone()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(0, await login.Cli.RunAsync("whoami"));
        Assert.Contains("not asked: the platform is not running", login.Cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoAmI_NotLoggedIn_SaysHow()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();

        Assert.Equal(1, await login.Cli.RunAsync("whoami"));
        Assert.Contains("Nobody is logged in (instance default).", login.Cli.Error, StringComparison.Ordinal);
        Assert.Contains("./lepton login", login.Cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logout_LoggedIn_RevokesAndRemoves()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        StoredLogin stored = await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        File.SetUnixFileMode(login.Store.Path, (UnixFileMode)Convert.ToInt32("644", 8)); // may be ended all the same

        Assert.Equal((0, ""), (await login.Cli.RunAsync("logout"), login.Cli.Error));

        Assert.Equal([stored.RefreshToken!], login.Authority.Revoked);
        Assert.Equal("refresh_token", Assert.Single(login.Authority.Forms)["token_type_hint"]);
        Assert.False(login.Store.Exists);
    }

    [Fact]
    public async Task Logout_AuthorityAway_RemovesAndSaysSo()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        login.Authority.IsDown = true;

        Assert.Equal(1, await login.Cli.RunAsync("logout", "--json"));

        Assert.False(login.Store.Exists);
        Assert.Contains("Logged out here, but", login.Cli.Error, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(login.Cli.Output);
        Assert.False(json.RootElement.GetProperty("error").GetProperty("revoked").GetBoolean());
    }

    [Fact]
    public async Task Logout_NobodyLoggedIn_IsFine()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();

        Assert.Equal(0, await login.Cli.RunAsync("logout"));
        Assert.Contains("Nobody is logged in", login.Cli.Output, StringComparison.Ordinal);
    }

    private static async Task<FakeGateway> GatewayAsync(LoginFixture login, Func<string, bool> takes)
    {
        FakeGateway gateway = await FakeGateway.StartAsync(login.Cli.Pki, "eu-west");
        gateway.Answers.Takes = takes;
        gateway.Answers.Infer = (_, _) => Responses.Language("deu", 0.9f);
        login.Cli.WritePlatform(("eu-west", gateway.Url));
        return gateway;
    }

    private static async Task<(int Exit, string Told)> RunProcessAsync(LoginFixture login)
    {
        // Where it was built: beside the tests lies a copy that ASP.NET Core's framework would have to complete.
        DirectoryInfo own = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string program = Path.GetFullPath($"../../Lepton.Cli/{own.Name}/Lepton.Cli.dll", own.FullName);
        ProcessStartInfo start = new(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [program, "nodes", "--json"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LEPTON_ROOT"] = start.Environment["LEPTON_HOME"] = login.Cli.Home;
        using Process process = Process.Start(start)!;
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await error);
    }
}
