using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;

namespace Lepton.ServiceDefaults;

/// <summary>
/// The grants that a receiver was given: each has its signature verified once and is known by its bytes from then on.
/// </summary>
internal sealed class HopGrants(HopIssuers issuers, TimeProvider time)
{
    // A router process has one grant a receiver under way, two around a renewal: this many are thousands of routers.
    private const int GrantsMax = 4096;

    private static readonly TimeSpan LifetimeMax = TimeSpan.FromMinutes(15);

    private readonly ConcurrentDictionary<UInt128, Known> grants = new();

    /// <summary>Why claims sealed under this grant are not to be taken; null: grant and MAC are good.</summary>
    public string? Fault(SignedHopAssertion claims, string? header, string audience, Caller peer, out Caller? issuer,
        out ReplayWindow? taken)
    {
        (issuer, taken) = (null, null);
        if (claims.GrantId.Length != HopHeader.GrantIdBytes || claims.Mac.Length != HopHeader.MacBytes)
            return "A sealed assertion has a grant's id of 16 bytes and a MAC of 32.";
        if (string.IsNullOrEmpty(header))
            return $"{HopHeader.Grant} is missing.";
        var id = MemoryMarshal.Read<UInt128>(claims.GrantId.Span);
        // The same id with other bytes is another grant: it has to be as good as the first one was.
        if (!grants.TryGetValue(id, out var known) || !string.Equals(known.Header, header, StringComparison.Ordinal))
        {
            if (Open(header, peer, out known) is { } fault)
                return fault;
            if (known is null || known.Id != id)
                return "The assertion is sealed under another grant than the one beside it.";
            // Written in another way it is still the same grant: what came under it does not come again.
            if (grants.TryGetValue(id, out var former))
                known = known with { Taken = former.Taken };
            Keep(known);
        }
        var now = time.GetUtcNow();
        if (now >= known.Expires || !known.Issuer.InTime(now))
            return "The grant has expired.";
        if (known.Audience != audience)
            return $"The grant is for {known.Audience}.";
        if (!known.Issuer.Caller.Equals(peer))
            return $"Granted by {known.Issuer.Caller.Principal}, sent by {peer.Principal}.";
        (issuer, taken) = (known.Issuer.Caller, known.Taken);
        return Sealed(known.Mac, claims) ? null : "The MAC does not match.";
    }

    private static bool Sealed(HopMac by, SignedHopAssertion claims)
    {
        Span<byte> mac = stackalloc byte[HopHeader.MacBytes];
        by.Write(claims.Assertion.Span, mac);
        return CryptographicOperations.FixedTimeEquals(mac, claims.Mac.Span);
    }

    private string? Open(string header, Caller peer, out Known? known)
    {
        known = null;
        if (HopVerifier.FromBase64(header) is not { } bytes)
            return $"{HopHeader.Grant} is not base64 of at most {HopHeader.BytesMax} bytes.";
        var signed = SignedHopGrant.Parser.ParseFrom(bytes);
        if (issuers.Fault(signed.Certificate, signed.Signature, HopHeader.GrantContext, signed.Grant, peer,
            out var issuer) is { } fault)
            return fault;
        var grant = HopGrant.Parser.ParseFrom(signed.Grant);
        if (grant.Id.Length != HopHeader.GrantIdBytes || grant.Key.Length != HopHeader.KeyBytes || issuer is null
            || grant.Audience == "" || grant.IssueTime is null || grant.ExpireTime is null)
            return "The grant lacks a required field.";
        var (issued, expires) = (grant.IssueTime.ToDateTimeOffset(), grant.ExpireTime.ToDateTimeOffset());
        if (issued > time.GetUtcNow() + HopVerifier.ClockSkewMax)
            return "The grant is from the future.";
        if (expires - issued > LifetimeMax)
            return "The grant lives too long.";
        known = new Known(MemoryMarshal.Read<UInt128>(grant.Id.Span), header, new HopMac(grant.Key.ToByteArray()),
            grant.Audience,
            issuer, expires);
        return null;
    }

    private void Keep(Known known)
    {
        if (grants.Count >= GrantsMax)
        {
            var now = time.GetUtcNow();
            foreach (var (id, old) in grants)
                if (now >= old.Expires)
                    grants.TryRemove(id, out _);
            if (grants.Count >= GrantsMax)
                grants.Clear(); // every router's next request brings its grant again
        }
        grants[known.Id] = known;
    }

    private sealed record Known(UInt128 Id, string Header, HopMac Mac, string Audience, HopIssuers.Issuer Issuer,
        DateTimeOffset Expires)
    {
        /// <summary>The numbers of the requests that came under it.</summary>
        public ReplayWindow Taken { get; init; } = new();

        public override string ToString() => $"grant for {Audience}";
    }
}
