using System.Net;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Hears of every authentication and every denial, and says who is locked out. A process may have several; they are
/// asked on every request's way and must not wait.
/// </summary>
public interface ICallerWatch
{
    /// <summary>Until when this caller is locked out; null: it is not.</summary>
    DateTimeOffset? LockedUntil(Caller caller);

    /// <summary>Somebody was named: told once a connection and token or certificate.</summary>
    void Named(in CallerSight sight);

    /// <summary>Nobody was named.</summary>
    void Refused(in CallerSight sight);

    /// <summary>A named caller may not make this call.</summary>
    void Denied(in CallerSight sight, string permission);

    /// <summary>A named caller who may, cannot manage now: what is known here is too old.</summary>
    void Unserved(in CallerSight sight)
    {
    }
}

/// <summary>What was seen of one request's caller.</summary>
/// <param name="Caller">Who; null: nobody was named.</param>
/// <param name="Token">The token that names it; null: a certificate does.</param>
/// <param name="Thumbprint">Of the certificate shown, base64url SHA-256; null: none was.</param>
/// <param name="Address">From where.</param>
/// <param name="Path">Of the request.</param>
/// <param name="Reason">Of a refusal or denial; empty: none.</param>
public readonly record struct CallerSight(
    Caller? Caller, AccessToken? Token, string? Thumbprint, IPAddress? Address, string Path = "", string Reason = "");
