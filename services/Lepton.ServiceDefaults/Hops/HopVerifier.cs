using Google.Protobuf;
using Lepton.Hop.V1;
using Microsoft.AspNetCore.Http;

namespace Lepton.ServiceDefaults;

/// <summary>What came of checking a hop assertion.</summary>
public abstract record HopVerdict
{
    private HopVerdict() { }

    /// <summary>Genuine, in its time, and for us.</summary>
    /// <param name="Assertion">The claims.</param>
    /// <param name="Issuer">The router that signed, or granted the key.</param>
    public sealed record Accepted(HopAssertion Assertion, Caller Issuer) : HopVerdict;

    /// <summary>Not to be taken.</summary>
    /// <param name="Why">For people; safe to answer with.</param>
    public sealed record Refused(string Why) : HopVerdict;
}

/// <summary>Checks hop assertions against the installation's authority. Safe for concurrent use.</summary>
public sealed class HopVerifier
{
    internal static readonly TimeSpan ClockSkewMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LifetimeMax = TimeSpan.FromMinutes(5);

    private readonly TimeProvider time;
    private readonly HopIssuers issuers;
    private readonly HopGrants grants;
    private readonly SignedOnce once;

    /// <summary>Trusts routers whose signing certificates come from this authority.</summary>
    public HopVerifier(TlsMaterial material, TimeProvider time)
    {
        this.time = time;
        issuers = new HopIssuers(material, time);
        grants = new HopGrants(issuers, time);
        once = new SignedOnce(time);
    }

    /// <summary>Checks a request's assertion, signed or sealed.</summary>
    /// <param name="headers">The request's.</param>
    /// <param name="audience">Who we are: a node's id or <c>router/REGION</c>.</param>
    /// <param name="peer">The other end of the connection: only it may have signed or granted.</param>
    public HopVerdict Verify(IHeaderDictionary headers, string audience, Caller peer)
    {
        ArgumentNullException.ThrowIfNull(headers);
        return Verify(HopHeader.Value(headers, HopHeader.Name), HopHeader.Value(headers, HopHeader.Grant), audience,
            peer);
    }

    /// <summary>Checks the headers' values, in base64, padded or not; null or empty when one is missing.</summary>
    public HopVerdict Verify(string? header, string? grant, string audience, Caller peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (string.IsNullOrEmpty(header))
            return new HopVerdict.Refused($"{HopHeader.Name} is missing.");
        if (FromBase64(header) is not { Length: > 0 } bytes)
            return new HopVerdict.Refused($"{HopHeader.Name} is not base64 of at most {HopHeader.BytesMax} bytes.");
        try
        {
            return Verify(SignedHopAssertion.Parser.ParseFrom(bytes), grant, audience, peer);
        }
        catch (InvalidProtocolBufferException)
        {
            return new HopVerdict.Refused($"{HopHeader.Name} or {HopHeader.Grant} is damaged.");
        }
    }

    /// <summary>The bytes of a header's value; null when it is no base64, or too long.</summary>
    internal static byte[]? FromBase64(string text)
    {
        // gRPC leaves the padding out or in, as it likes.
        var padded = (text.Length % 4) switch { 2 => text + "==", 3 => text + "=", _ => text };
        if (padded.Length > HopHeader.BytesMax / 3 * 4)
            return null;
        var bytes = new byte[padded.Length / 4 * 3];
        return Convert.TryFromBase64String(padded, bytes, out var length) ? bytes[..length] : null;
    }

    private HopVerdict Verify(SignedHopAssertion signed, string? grant, string audience, Caller peer)
    {
        Caller? issuer;
        string? fault;
        ReplayWindow? taken = null;
        if (signed.Mac.IsEmpty)
        {
            fault = issuers.Fault(signed.Certificate, signed.Signature, HopHeader.AssertionContext, signed.Assertion,
                peer, out var signer);
            issuer = signer?.Caller;
        }
        else if (signed.Certificate.IsEmpty && signed.Signature.IsEmpty)
            fault = grants.Fault(signed, grant, audience, peer, out issuer, out taken);
        else
            return new HopVerdict.Refused("The assertion is both signed and sealed.");
        if (fault is not null || issuer is null)
            return new HopVerdict.Refused(fault ?? "The assertion is nobody's.");
        var assertion = HopAssertion.Parser.ParseFrom(signed.Assertion);
        // Last, so that what is refused for another reason takes no number.
        fault = Fault(assertion, audience) ?? Replayed(assertion, signed, taken);
        return fault is null ? new HopVerdict.Accepted(assertion, issuer) : new HopVerdict.Refused(fault);
    }

    private string? Replayed(HopAssertion assertion, SignedHopAssertion signed, ReplayWindow? taken) =>
        (taken is not null ? taken.TryTake(assertion.Sequence) : once.TryTake(signed.Assertion, assertion.ExpireTime))
            ? null
            : "The assertion came before.";

    private string? Fault(HopAssertion a, string audience)
    {
        if (a.Tenant == "" || a.Principal == "" || a.DataClass == "" || a.DecisionId == ""
            || a.AllowedRegions.Count == 0
            || a.IssueTime is null || a.ExpireTime is null)
            return "The assertion lacks a required field.";
        if (a.Audience != audience)
            return $"The assertion is for {a.Audience}.";
        if (a.Hops is < 1 or > 2)
            return $"The assertion has made {a.Hops} hops; 1 or 2 are allowed.";
        var now = time.GetUtcNow();
        var issued = a.IssueTime.ToDateTimeOffset();
        var expires = a.ExpireTime.ToDateTimeOffset();
        if (issued > now + ClockSkewMax)
            return "The assertion is from the future.";
        return now >= expires || expires - issued > LifetimeMax ? "The assertion has expired." : null;
    }
}
