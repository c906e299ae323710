using System.IO.Hashing;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// Where a key belongs: XXH3 (64 bits, seed 0; github.com/Cyan4973/xxHash, doc/xxhash_spec.md) of the stored key's
/// bytes, of which the lower 12 bits are the slot. Never to be changed: every stored record has its slot by it.
/// </summary>
internal static class KeyHash
{
    private const ulong SlotMask = SlotId.Count - 1;

    /// <summary>The whole hash of a stored key.</summary>
    public static ulong Of(ReadOnlySpan<byte> storedKey) => XxHash3.HashToUInt64(storedKey);

    /// <summary>The slot of a stored key: <c>TENANT/KEY</c> in UTF-8, or in a blind class its keyed digest.</summary>
    public static SlotId SlotOf(ReadOnlySpan<byte> storedKey) => new((short)(Of(storedKey) & SlotMask));
}
