namespace Lepton.Cli.Login;

/// <summary>The access tokens of one command, renewed before they end; safe for calls at once.</summary>
internal sealed class LoginTokens : IDisposable
{
    /// <summary>What is left of a token when it is renewed: a call must end while its token is good.</summary>
    private static readonly TimeSpan renewBefore = TimeSpan.FromSeconds(60);

    private readonly LoginStore store;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim turn = new(1, 1);
    private StoredLogin current;
    private bool renewedWhenRefused;

    private LoginTokens(LoginStore store, TimeProvider time, StoredLogin login)
    {
        (this.store, this.time, current) = (store, time, login);
    }

    /// <summary>Null when nobody is logged in.</summary>
    public static LoginTokens? Open(LoginStore store, TimeProvider time) =>
        store.Read() is { } login ? new LoginTokens(store, time, login) : null;

    /// <summary>What a person does when a login is over.</summary>
    public string LogInAgain => $"Log in again: ./lepton login{store.Option}";

    /// <summary>A token that is good for now.</summary>
    /// <exception cref="CommandFailure">The login is over.</exception>
    public async ValueTask<string> GetAsync(CancellationToken cancellation)
    {
        StoredLogin login = Volatile.Read(ref current);
        if (HasTime(login))
        {
            return login.AccessToken;
        }

        await turn.WaitAsync(cancellation);
        try
        {
            if (!HasTime(current))
            {
                Volatile.Write(ref current, await RenewAsync(current.AccessToken, wasRefused: false, cancellation));
            }

            return current.AccessToken;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>
    /// A gateway did not take this token though it has time left: it was revoked, or the keys changed. Renewed once a
    /// command; true when another token may be tried.
    /// </summary>
    public async Task<bool> RenewRefusedAsync(string refused, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            if (current.AccessToken != refused)
            {
                return true; // another call has seen to it
            }

            if (renewedWhenRefused || current.RefreshToken is null)
            {
                return false;
            }

            renewedWhenRefused = true;
            Volatile.Write(ref current, await RenewAsync(refused, wasRefused: true, cancellation));
            return true;
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    private bool HasTime(StoredLogin login) => login.ExpireTime - time.GetUtcNow() >= renewBefore;

    private async Task<StoredLogin> RenewAsync(string stale, bool wasRefused, CancellationToken cancellation)
    {
        using IDisposable held = await store.LockAsync(cancellation);
        StoredLogin login = store.Read() ?? throw Over("This login was ended by ./lepton logout.");
        if (login.AccessToken != stale && HasTime(login))
        {
            return login; // another command has renewed it
        }

        bool isUsable = !wasRefused && login.ExpireTime > time.GetUtcNow();
        if (login.RefreshToken is not { } refreshToken)
        {
            return isUsable ? login : throw Over("The login is over.");
        }

        try
        {
            using Authority authority = await Authority.FindAsync(login, time, cancellation);
            return Take(login, await authority.RenewAsync(refreshToken));
        }
        catch (AuthorityAway) when (isUsable)
        {
            return login; // for the seconds that are left
        }
    }

    private StoredLogin Take(StoredLogin login, TokenAnswer answer)
    {
        switch (answer)
        {
            case TokenAnswer.Granted granted:
                StoredLogin renewed = login.With(granted.Tokens);
                store.Write(renewed);
                return renewed;
            case TokenAnswer.Refused { Error: "invalid_grant" } refused:
                // Not removed: a command without a login shows a tenant's certificate, and nobody asked for that.
                store.Write(login with { RefreshToken = null, ExpireTime = time.GetUtcNow() });
                throw Over($"The login is over: {login.Issuer} does not renew it ({refused.Text}).");
            case TokenAnswer.Refused refused:
                throw Over($"{login.Issuer} does not renew the login: {refused.Text}");
            default:
                throw new InvalidOperationException("Neither granted nor refused.");
        }
    }

    private CommandFailure Over(string message) => new(ExitCode.Failed, message) { Hints = [LogInAgain] };
}
