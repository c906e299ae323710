using System.Security.Authentication;
using Lepton.Cli.Login;

namespace Lepton.Cli.Tests.Login;

/// <summary>A CLI beside an authority, on a clock that skips waits; at its end no secret has got out (C1).</summary>
internal sealed class LoginFixture : IAsyncDisposable
{
    private LoginFixture(CliFixture cli, SkippingTime time, FakeAuthority authority) =>
        (Cli, Time, Authority) = (cli, time, authority);

    public CliFixture Cli { get; }

    public SkippingTime Time { get; }

    public FakeAuthority Authority { get; }

    public LoginStore Store => Cli.Session.Login("default");

    public static async Task<LoginFixture> StartAsync(
        string service = "identity", SslProtocols protocols = SslProtocols.Tls13)
    {
        SkippingTime time = new();
        CliFixture cli = new(time);
        string authority = cli.Installation.Authority;
        Directory.CreateDirectory(Path.GetDirectoryName(authority)!);
        File.Copy(cli.Pki.AuthorityFile, authority);
        return new LoginFixture(cli, time, await FakeAuthority.StartAsync(cli.Pki, service, protocols));
    }

    public Task<int> LogInAsync(params string[] args) =>
        Cli.RunAsync(["login", "--issuer", Authority.Issuer, .. args]);

    /// <summary>As if somebody had logged in; the access token ends so much later.</summary>
    public async Task<StoredLogin> LoggedInAsync(TimeSpan left, TimeProvider? time = null)
    {
        (string access, string refresh) = Authority.Grant();
        StoredLogin login = new()
        {
            Issuer = Authority.Issuer,
            ClientId = "lepton-cli",
            AuthorityFile = Cli.Installation.Authority,
            LoginTime = Time.GetUtcNow(),
            AccessToken = access,
            ExpireTime = (time ?? Time).GetUtcNow() + left,
            RefreshToken = refresh,
        };
        using (await Store.LockAsync(CancellationToken.None))
            Store.Write(login);
        return login;
    }

    public async ValueTask DisposeAsync()
    {
        await Authority.DisposeAsync();
        string told = Cli.Output + Cli.Error;
        Cli.Dispose();
        Assert.DoesNotContain(Authority.Secrets, secret => told.Contains(secret, StringComparison.Ordinal));
    }
}
