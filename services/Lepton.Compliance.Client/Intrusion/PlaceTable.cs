using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Where an address is: the longest prefix that holds it. A look-up costs one probe a prefix length.</summary>
internal sealed class PlaceTable
{
    public static readonly PlaceTable Empty = new([], new Dictionary<string, Place>());

    private readonly (int Shift, FrozenDictionary<UInt128, Place> ByPrefix)[] _v4;
    private readonly (int Shift, FrozenDictionary<UInt128, Place> ByPrefix)[] _v6;
    private readonly FrozenDictionary<string, Place> _regions;

    public PlaceTable(IReadOnlyCollection<(IPNetwork Prefix, Place Place)> prefixes,
        IReadOnlyDictionary<string, Place> regions)
    {
        _v4 = Tables(prefixes, AddressFamily.InterNetwork, 32);
        _v6 = Tables(prefixes, AddressFamily.InterNetworkV6, 128);
        _regions = regions.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The place of an address; null when no prefix holds it.</summary>
    public Place? OfAddress(IPAddress? address)
    {
        if (address is null)
            return null;
        (UInt128 bits, bool v6) = AddressKey.BitsOf(address);
        foreach ((int shift, FrozenDictionary<UInt128, Place> byPrefix) in v6 ? _v6 : _v4)
            if (byPrefix.TryGetValue(Prefix(bits, shift), out Place? place))
                return place;
        return null;
    }

    /// <summary>The place of a region; null when the file does not name it.</summary>
    public Place? OfRegion(string? region) =>
        region is not null && _regions.TryGetValue(region, out Place? place) ? place : null;

    private static (int, FrozenDictionary<UInt128, Place>)[] Tables(
        IEnumerable<(IPNetwork Prefix, Place Place)> prefixes, AddressFamily family, int bits) =>
    [
        .. prefixes.Where(p => p.Prefix.BaseAddress.AddressFamily == family)
            .GroupBy(p => p.Prefix.PrefixLength)
            .OrderByDescending(g => g.Key)
            .Select(g => (bits - g.Key, g.ToFrozenDictionary(
                p => Prefix(AddressKey.BitsOf(p.Prefix.BaseAddress).Bits, bits - g.Key), p => p.Place))),
    ];

    // A shift by the whole width leaves UInt128 as it is; the prefix of length 0 is 0.
    private static UInt128 Prefix(UInt128 bits, int shift) => shift == 128 ? UInt128.Zero : bits >> shift;
}
