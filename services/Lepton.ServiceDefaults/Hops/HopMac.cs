using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Lepton.ServiceDefaults;

/// <summary>
/// The MACs of one grant: HMAC-SHA-256 over context and claims. Setting up a key costs twice a MAC, so that what was
/// set up is kept and used again. Safe for concurrent use.
/// </summary>
internal sealed class HopMac(byte[] key)
{
    // One a concurrent call: a hash in the making is nobody else's.
    private readonly ConcurrentBag<IncrementalHash> idle = [];

    /// <summary>Writes the MAC of these claims, <see cref="HopHeader.MacBytes"/> long.</summary>
    public void Write(ReadOnlySpan<byte> claims, Span<byte> mac)
    {
        var hash = idle.TryTake(out var known) ? known : IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(HopHeader.MacContext);
        hash.AppendData(claims);
        hash.GetHashAndReset(mac);
        idle.Add(hash); // not after a failure: it would begin with what is left of these claims
    }
}
