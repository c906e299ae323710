using System.Globalization;

namespace Lepton.Routing.Decisions;

/// <summary>Ids of decisions: the region that decided and a UUIDv7, whose first 48 bits are the time.</summary>
internal static class DecisionId
{
    public static string New(string region, DateTimeOffset now) => $"{region}-{Guid.CreateVersion7(now):N}";

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
