using System.Globalization;

namespace Lepton.Routing.Registry;

/// <summary>Orders model versions: Triton's are whole numbers, compared as such; others by their text.</summary>
internal static class ModelVersions
{
    public static bool IsLater(string a, string b) =>
        long.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out long x)
        && long.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out long y)
            ? x > y
            : string.CompareOrdinal(a, b) > 0;
}
