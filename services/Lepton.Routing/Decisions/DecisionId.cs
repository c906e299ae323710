using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Lepton.Routing.Decisions;

/// <summary>Ids of decisions: the region that decided and a UUIDv7, whose first 48 bits are the time.</summary>
internal static class DecisionId
{
    // A Guid asks the system for 16 random bytes each: a system call a request. One in 64 ids does so here.
    private const int RandomBytes = 16, IdsAtOnce = 64;

    [ThreadStatic]
    private static byte[]? _random;

    [ThreadStatic]
    private static int _used;

    /// <summary>A new id: 48 bits of time in ms, then random ones but for version and variant (RFC 9562).</summary>
    public static string New(string region, DateTimeOffset now)
    {
        byte[] random = _random ??= new byte[RandomBytes * IdsAtOnce];
        if (_used == 0)
            RandomNumberGenerator.Fill(random);
        Span<byte> uuid = random.AsSpan(_used, RandomBytes);
        _used = (_used + RandomBytes) % random.Length;
        BinaryPrimitives.WriteUInt64BigEndian(uuid, ((ulong)now.ToUnixTimeMilliseconds() << 16)
            | 0x7000 | (BinaryPrimitives.ReadUInt64BigEndian(uuid) & 0x0FFF));
        uuid[8] = (byte)(0x80 | (uuid[8] & 0x3F));
        return string.Concat(region, "-", Convert.ToHexStringLower(uuid));
    }

    /// <summary>The region and time of an id; false when it is none.</summary>
    public static bool TryParse(string id, out string region, out DateTimeOffset time)
    {
        (region, time) = ("", default);
        int dash = id.Length - 33;
        if (dash < 1 || id[dash] != '-' || !Guid.TryParseExact(id.AsSpan(dash + 1), "N", out _)
            || !long.TryParse(id.AsSpan(dash + 1, 12), NumberStyles.HexNumber, CultureInfo.InvariantCulture,
                out long ms)
            || ms > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
            return false;
        (region, time) = (id[..dash], DateTimeOffset.FromUnixTimeMilliseconds(ms));
        return true;
    }
}
