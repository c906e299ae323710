using System.Numerics;

namespace Lepton.Compliance.Client;

/// <summary>
/// A set of regions as 256 bits, one for each region of a <see cref="ResidencyPolicy"/>: four words, no heap.
/// </summary>
public readonly record struct RegionSet
{
    /// <summary>Regions that one policy and its topology may name together.</summary>
    public const int Capacity = 256;

    private readonly ulong _a, _b, _c, _d;

    private RegionSet(ulong a, ulong b, ulong c, ulong d) => (_a, _b, _c, _d) = (a, b, c, d);

    /// <summary>
    /// The set that allows nothing; also the default value, so that what nobody filled in is denied.
    /// </summary>
    public static RegionSet None => default;

    public bool IsEmpty => (_a | _b | _c | _d) == 0;

    public int Count => BitOperations.PopCount(_a) + BitOperations.PopCount(_b)
        + BitOperations.PopCount(_c) + BitOperations.PopCount(_d);

    /// <summary>Is the region with this index in the set? An index outside 0..255 never is.</summary>
    public bool Contains(int region) => (region >> 6) switch
    {
        0 => (_a >> region & 1) != 0,
        1 => (_b >> region & 1) != 0,
        2 => (_c >> region & 1) != 0,
        3 => (_d >> region & 1) != 0,
        _ => false,
    };

    public RegionSet With(int region)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(region);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(region, Capacity);
        ulong bit = 1UL << region; // a shift counts modulo 64
        return (region >> 6) switch
        {
            0 => new(_a | bit, _b, _c, _d),
            1 => new(_a, _b | bit, _c, _d),
            2 => new(_a, _b, _c | bit, _d),
            _ => new(_a, _b, _c, _d | bit),
        };
    }

    public RegionSet And(RegionSet other) => new(_a & other._a, _b & other._b, _c & other._c, _d & other._d);

    public bool IsSubsetOf(RegionSet other) => And(other) == this;
}
