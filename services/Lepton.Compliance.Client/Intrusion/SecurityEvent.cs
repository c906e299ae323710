using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>What happened at the door.</summary>
public enum SecurityEventKind
{
    /// <summary>The principal proved who it is.</summary>
    AuthenticationSucceeded = 1,

    /// <summary>Somebody did not prove to be the principal, whose name is a claim and no more.</summary>
    AuthenticationFailed = 2,

    /// <summary>The principal was allowed what it asked for.</summary>
    AuthorisationAllowed = 3,

    /// <summary>The principal was denied what it asked for.</summary>
    AuthorisationDenied = 4,

    /// <summary>A good token was shown.</summary>
    TokenSeen = 5,
}

/// <summary>
/// One authentication or authorisation as it happened. A value, so that telling it costs a request no allocation.
/// What is not known is null. Texts beyond <see cref="TextMax"/> characters are cut.
/// </summary>
public readonly record struct SecurityEvent
{
    /// <summary>Characters of a text that are kept.</summary>
    public const int TextMax = 256;

    /// <summary>When. More than an hour ago or five minutes ahead is not taken.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>What.</summary>
    public required SecurityEventKind Kind { get; init; }

    /// <summary>
    /// Who: <c>ISSUER/SUBJECT</c>, or <c>tenant/NAME</c> of a certificate. Of a failure: who it claims to be.
    /// </summary>
    public string? Principal { get; init; }

    /// <summary>The principal is a program, not a person. It is never locked.</summary>
    public bool IsService { get; init; }

    /// <summary>The OAuth client.</summary>
    public string? Client { get; init; }

    /// <summary>The principal's tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>From where. An IPv4 address may be mapped into IPv6.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The certificate shown: SHA-256, base64url (x5t#S256, RFC 8705).</summary>
    public string? Thumbprint { get; init; }

    /// <summary>The token's name (jti, RFC 7519); never the token itself.</summary>
    public string? TokenId { get; init; }

    /// <summary>The region in which it happened.</summary>
    public string? Region { get; init; }

    /// <summary>What was asked for, e.g. <c>nodes.drain</c>.</summary>
    public string? Permission { get; init; }

    /// <summary>The principal is who it says: every kind but a failed authentication.</summary>
    internal bool IsVerified => Kind != SecurityEventKind.AuthenticationFailed;

    /// <summary>The same with texts that are safe to keep and to log.</summary>
    internal SecurityEvent Bounded() =>
        IsSafe(Principal) && IsSafe(Client) && IsSafe(Tenant) && IsSafe(Thumbprint) && IsSafe(TokenId)
            && IsSafe(Region) && IsSafe(Permission)
            ? this
            : this with
            {
                Principal = Safe(Principal), Client = Safe(Client), Tenant = Safe(Tenant),
                Thumbprint = Safe(Thumbprint), TokenId = Safe(TokenId), Region = Safe(Region),
                Permission = Safe(Permission),
            };

    private static bool IsSafe([NotNullWhen(false)] string? text)
    {
        if (text is null)
            return true;
        if (text.Length > TextMax)
            return false;
        foreach (char c in text)
            if (char.IsControl(c) || char.IsSurrogate(c))
                return false;
        return true;
    }

    // A claimed name may hold line ends, which would write log lines of their own, and halves of surrogate pairs, which
    // protobuf's strings refuse.
    [return: NotNullIfNotNull(nameof(text))]
    internal static string? Safe(string? text) => IsSafe(text)
        ? text
        : string.Create(Math.Min(text.Length, TextMax), text, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? '?' : from[i];
        });
}

/// <summary>Takes events from a request's way: never waits, never throws.</summary>
public interface ISecurityEvents
{
    /// <summary>Hands an event over. Where the queue is full it is dropped and counted.</summary>
    void Report(in SecurityEvent e);
}
