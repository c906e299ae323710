namespace Lepton.ServiceDefaults;

/// <summary>What a validated access token says.</summary>
/// <param name="Caller">Who shows it.</param>
/// <param name="Issuer">The short name of the authority that issued it.</param>
/// <param name="Subject">Its <c>sub</c>.</param>
/// <param name="Id">Its <c>jti</c>; empty when it has none.</param>
/// <param name="Session">Its <c>sid</c>: the log-in that it comes from; empty when it has none.</param>
/// <param name="IssueTime">Its <c>iat</c>.</param>
/// <param name="ExpireTime">Its <c>exp</c>, allowance for clocks included.</param>
/// <param name="Thumbprint">
/// SHA-256 of the certificate that it is bound to, base64url (RFC 8705 <c>x5t#S256</c>); null: bound to none.
/// </param>
public sealed record AccessToken(
    Caller Caller, string Issuer, string Subject, string Id, string Session, DateTimeOffset IssueTime,
    DateTimeOffset ExpireTime, string? Thumbprint)
{
    private volatile bool _isRevoked;

    /// <summary>It was taken back before its time.</summary>
    internal bool IsRevoked
    {
        get => _isRevoked;
        set => _isRevoked = value;
    }
}

/// <summary>Why a token is not taken.</summary>
/// <param name="Reason">A reason of the platform's.</param>
/// <param name="Message">For people; never a part of the token.</param>
internal sealed record TokenFault(Platform.V1.ErrorReason Reason, string Message);
