namespace Lepton.Identity.Requests;

/// <summary>How an authentication ended.</summary>
internal enum AuthenticationOutcome
{
    Success,
    Failure,
}

/// <summary>One authentication, of a program or a person.</summary>
/// <param name="Time">When.</param>
/// <param name="Principal">The subject: a user's or a client's name; empty when nobody has the name given.</param>
/// <param name="Client">By which client; empty: unknown.</param>
/// <param name="Tenant">Its tenant; empty: unknown.</param>
/// <param name="Address">From where; an IPv6 address by its first 64 bits.</param>
/// <param name="Thumbprint">SHA-256 of the client certificate, base64url; null: none was shown.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">By what grant it succeeded, or why it failed: one of a few words.</param>
internal sealed record AuthenticationEvent(
    DateTimeOffset Time, string Principal, string Client, string Tenant, string Address, string? Thumbprint,
    AuthenticationOutcome Outcome, string Reason);

/// <summary>Is told of every authentication, whatever its end.</summary>
internal interface IAuthenticationLog
{
    /// <summary>Must neither wait nor throw.</summary>
    void Record(AuthenticationEvent what);
}

/// <summary>One structured line each. The only place where names and addresses are logged.</summary>
internal sealed partial class AuthenticationLog(ILogger<AuthenticationLog> logger) : IAuthenticationLog
{
    public void Record(AuthenticationEvent what)
    {
        if (what.Outcome == AuthenticationOutcome.Success)
            LogSuccess(what.Principal, what.Client, what.Tenant, what.Address, what.Thumbprint, what.Reason, what.Time);
        else
            LogFailure(what.Principal, what.Client, what.Tenant, what.Address, what.Thumbprint, what.Reason, what.Time);
    }

    [LoggerMessage(LogLevel.Information, "Authenticated {Principal} by {Client} of {Tenant} from {Address} with "
        + "certificate {Thumbprint}: {Reason} at {Time}")]
    private partial void LogSuccess(string principal, string client, string tenant, string address, string? thumbprint,
        string reason, DateTimeOffset time);

    [LoggerMessage(LogLevel.Warning, "Not authenticated {Principal} by {Client} of {Tenant} from {Address} with "
        + "certificate {Thumbprint}: {Reason} at {Time}")]
    private partial void LogFailure(string principal, string client, string tenant, string address, string? thumbprint,
        string reason, DateTimeOffset time);
}
