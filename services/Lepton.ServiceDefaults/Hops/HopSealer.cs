using System.Collections.Concurrent;
using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;

namespace Lepton.ServiceDefaults;

/// <summary>An assertion and the grant that it is sealed under, as header values in base64.</summary>
public readonly record struct SealedHop(string Assertion, string Grant);

/// <summary>
/// Seals hop assertions by HMAC under a key that a signed grant gives the receiver: a signature costs tens of
/// microseconds at both ends, and is made and checked once a grant instead of once a request. Safe for concurrent use.
/// </summary>
public sealed class HopSealer(HopSigner signer, TimeProvider time)
{
    // A receiver is a node or a router; far above this, grants of those that went are dropped with all others.
    private const int AudiencesMax = 20_000;

    private const int SequenceBytesMax = 12;

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    // Renewed at half its life: no request ever goes with a grant that is about to expire on its way.
    private static readonly TimeSpan RenewAfter = Lifetime / 2;

    private readonly ConcurrentDictionary<string, Grant> grants = new(StringComparer.Ordinal);

    /// <summary>Seals claims.</summary>
    /// <param name="audience">Who may take it, as the claims say.</param>
    /// <param name="claims">A serialised <see cref="HopAssertion"/> without its sequence, which is added here.</param>
    public SealedHop Seal(string audience, ReadOnlySpan<byte> claims)
    {
        ArgumentNullException.ThrowIfNull(audience);
        if (claims.Length > HopHeader.BytesMax - 128)
            throw new ArgumentException($"Claims of {claims.Length} bytes are too many.", nameof(claims));
        var grant = For(audience);
        Span<byte> numbered = stackalloc byte[claims.Length + SequenceBytesMax];
        claims.CopyTo(numbered);
        numbered = numbered[..WriteSequence(numbered, claims.Length, grant.NextSequence())];
        // A SignedHopAssertion by hand: fields 1, 4 and 5, each a tag, a length and bytes.
        Span<byte> sealedClaims = stackalloc byte[numbered.Length + 64];
        var at = Write(sealedClaims, 0, 0x0A, numbered);
        at = Write(sealedClaims, at, 0x22, grant.Id);
        Span<byte> mac = stackalloc byte[HopHeader.MacBytes];
        grant.Mac.Write(numbered, mac);
        at = Write(sealedClaims, at, 0x2A, mac);
        return new SealedHop(Convert.ToBase64String(sealedClaims[..at]), grant.Header);
    }

    // HopAssertion.sequence, field 16: a tag of two bytes and a varint.
    private static int WriteSequence(Span<byte> to, int at, ulong sequence)
    {
        to[at++] = 0x80;
        to[at++] = 0x01;
        for (; sequence >= 0x80; sequence >>= 7)
            to[at++] = (byte)(sequence | 0x80);
        to[at++] = (byte)sequence;
        return at;
    }

    private static int Write(Span<byte> to, int at, byte tag, ReadOnlySpan<byte> bytes)
    {
        to[at++] = tag;
        if (bytes.Length < 0x80)
            to[at++] = (byte)bytes.Length;
        else // two bytes hold lengths up to 16,383: twice what is taken
        {
            to[at++] = (byte)(bytes.Length | 0x80);
            to[at++] = (byte)(bytes.Length >> 7);
        }
        bytes.CopyTo(to[at..]);
        return at + bytes.Length;
    }

    private Grant For(string audience)
    {
        // With the signing certificate, its grants are renewed too: they would end with it, whatever time they have.
        var by = signer.Key;
        if (grants.TryGetValue(audience, out var known) && ReferenceEquals(known.By, by)
            && time.GetElapsedTime(known.MadeAt) < RenewAfter)
            return known;
        if (grants.Count >= AudiencesMax)
            grants.Clear();
        // Two requests may both renew: two good grants, of which the later one stays.
        return grants[audience] = Make(audience, by);
    }

    private Grant Make(string audience, HopKey by)
    {
        var now = time.GetUtcNow();
        byte[] id = RandomNumberGenerator.GetBytes(HopHeader.GrantIdBytes);
        byte[] key = RandomNumberGenerator.GetBytes(HopHeader.KeyBytes);
        var header = HopSigner.Sign(new HopGrant
        {
            Id = ByteString.CopyFrom(id),
            Audience = audience,
            Key = ByteString.CopyFrom(key),
            IssueTime = now.ToTimestamp(),
            ExpireTime = (now + Lifetime).ToTimestamp(),
        }, by);
        return new Grant(by, id, new HopMac(key), header, time.GetTimestamp());
    }

    private sealed record Grant(HopKey By, byte[] Id, HopMac Mac, string Header, long MadeAt)
    {
        private long _sequence;

        public ulong NextSequence() => (ulong)Interlocked.Increment(ref _sequence);
    }
}
