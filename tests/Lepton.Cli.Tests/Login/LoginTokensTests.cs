using Lepton.Cli.Login;

namespace Lepton.Cli.Tests.Login;

/// <summary>Renewal with rotation and reuse detection (RFC 9700, 4.14.2); requirement C1.</summary>
public sealed class LoginTokensTests
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(60, 0)]
    [InlineData(59, 1)]
    [InlineData(-5, 1)]
    public async Task Get_LessThanAMinuteLeft_Renews(int secondsLeft, int renewals)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        StoredLogin stored = await login.LoggedInAsync(TimeSpan.FromSeconds(secondsLeft));
        using LoginTokens tokens = LoginTokens.Open(login.Store, login.Time)!;

        string token = await tokens.GetAsync(CancellationToken.None);

        Assert.Equal(renewals, login.Authority.Renewals);
        Assert.Equal(renewals == 0, token == stored.AccessToken);
        StoredLogin kept = login.Store.Read()!;
        Assert.Equal(token, kept.AccessToken);
        Assert.Equal(renewals == 0, kept.RefreshToken == stored.RefreshToken);
        Assert.Equal(stored.LoginTime, kept.LoginTime);
    }

    [Fact]
    public async Task Get_TwoCommandsAtOnce_SpendTheRefreshTokenOnce()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.Zero, TimeProvider.System);
        TaskCompletionSource arrived = new();
        TaskCompletionSource goOn = new();
        login.Authority.BeforeRenewal = () =>
        {
            arrived.TrySetResult();
            return goOn.Task;
        };
        // Each with a store of its own, as two processes have.
        LoginStore first = new(login.Cli.Installation.Instance("default"), TimeProvider.System);
        LoginStore second = new(login.Cli.Installation.Instance("default"), TimeProvider.System);
        using LoginTokens one = LoginTokens.Open(first, TimeProvider.System)!;
        using LoginTokens two = LoginTokens.Open(second, TimeProvider.System)!;

        Task<string> a = one.GetAsync(CancellationToken.None).AsTask();
        await arrived.Task.WaitAsync(patience);
        Task<string> b = two.GetAsync(CancellationToken.None).AsTask(); // without a lock it has read by now
        goOn.SetResult();

        Assert.Equal(await a.WaitAsync(patience), await b.WaitAsync(patience));
        Assert.Equal((1, false), (login.Authority.Renewals, login.Authority.WasReused));
    }

    [Fact]
    public async Task Get_RefreshTokenRefused_SaysLogInAgainAndSpendsItNoMore()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.Zero);
        login.Authority.Grant(); // another one counts now

        CommandFailure failure = await FailsAsync(login);
        Assert.Contains("invalid_grant: '***' is?[2J over", failure.Message, StringComparison.Ordinal);
        Assert.Equal("Log in again: ./lepton login", Assert.Single(failure.Hints));
        int asked = login.Authority.Forms.Count;

        Assert.Contains("The login is over", (await FailsAsync(login)).Message, StringComparison.Ordinal);
        Assert.Equal(asked, login.Authority.Forms.Count);
        Assert.True(login.Store.Exists); // else the next command would show a tenant's certificate
    }

    [Fact]
    public async Task Get_AuthorityAway_GoesOnUntilTheTokenEnds()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        StoredLogin stored = await login.LoggedInAsync(TimeSpan.FromSeconds(30));
        login.Authority.IsDown = true;
        using LoginTokens tokens = LoginTokens.Open(login.Store, login.Time)!;

        Assert.Equal(stored.AccessToken, await tokens.GetAsync(CancellationToken.None));

        await login.LoggedInAsync(TimeSpan.Zero);
        Assert.IsType<AuthorityAway>(await FailsAsync(login));
        login.Authority.IsDown = false;
        using LoginTokens again = LoginTokens.Open(login.Store, login.Time)!;
        Assert.NotEqual(stored.AccessToken, await again.GetAsync(CancellationToken.None));
    }

    [Fact]
    public async Task RenewRefused_Twice_RenewsOnce()
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        using LoginTokens tokens = LoginTokens.Open(login.Store, login.Time)!;
        string first = await tokens.GetAsync(CancellationToken.None);

        Assert.True(await tokens.RenewRefusedAsync(first, CancellationToken.None));
        string second = await tokens.GetAsync(CancellationToken.None);
        Assert.True(await tokens.RenewRefusedAsync(first, CancellationToken.None)); // a call that began earlier
        Assert.False(await tokens.RenewRefusedAsync(second, CancellationToken.None));
        Assert.Equal(1, login.Authority.Renewals);
    }

    [Theory]
    [InlineData("640")]
    [InlineData("604")]
    [InlineData("620")]
    public async Task Read_OthersMayReadOrWriteIt_IsRefused(string mode)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        File.SetUnixFileMode(login.Store.Path, (UnixFileMode)Convert.ToInt32(mode, 8));

        CommandFailure failure = Assert.Throws<CommandFailure>(() => login.Store.Read());
        Assert.Contains($"(mode {mode}, not 600)", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, await login.Cli.RunAsync("whoami"));
        Assert.Contains("chmod 600", login.Cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{ \"issuer\": \"secret-in-a-damaged-file")]
    public async Task Read_Damaged_SaysSoWithoutQuotingIt(string content)
    {
        await using LoginFixture login = await LoginFixture.StartAsync();
        await login.LoggedInAsync(TimeSpan.FromMinutes(5));
        File.WriteAllText(login.Store.Path, content);

        CommandFailure failure = Assert.Throws<CommandFailure>(() => login.Store.Read());
        Assert.Contains("is damaged", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, await login.Cli.RunAsync("logout"));
        Assert.False(login.Store.Exists);
    }

    [Fact]
    public void ToString_Secrets_AreNotIn()
    {
        TokenSet tokens = new("access-secret", DateTimeOffset.UnixEpoch, "refresh-secret");
        StoredLogin login = new()
        {
            Issuer = "https://localhost", ClientId = "x", LoginTime = DateTimeOffset.UnixEpoch,
            AccessToken = tokens.AccessToken, RefreshToken = tokens.RefreshToken, ExpireTime = tokens.ExpireTime,
        };

        string told = $"{login} {tokens} {new TokenAnswer.Granted(tokens)}";
        Assert.DoesNotContain("secret", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("opaque")]
    [InlineData("a.b.c")]
    [InlineData("a.W10.c")]
    [InlineData("a.e30.c")]
    public void ReadClaims_NoJwtOfOurs_SaysNothing(string token) =>
        Assert.Equal(new TokenClaims(), TokenClaims.Read(token));

    private static async Task<CommandFailure> FailsAsync(LoginFixture login)
    {
        using LoginTokens tokens = LoginTokens.Open(login.Store, login.Time)!;
        return await Assert.ThrowsAnyAsync<CommandFailure>(() => tokens.GetAsync(CancellationToken.None).AsTask());
    }
}
