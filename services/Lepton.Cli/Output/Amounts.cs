using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Lepton.Cli.Output;

/// <summary>Quantities as people read them.</summary>
internal static class Amounts
{
    public static string Bytes(double bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        while (bytes >= 1024 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {units[unit]}");
    }

    public static string Milliseconds(Duration? duration) =>
        duration is null ? "-" : Milliseconds(duration.ToTimeSpan());

    public static string Milliseconds(TimeSpan span) =>
        string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.#} ms");

    public static string Seconds(TimeSpan span) =>
        string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s");

    public static string Percent(double fraction) =>
        string.Create(CultureInfo.InvariantCulture, $"{fraction * 100:0} %");

    public static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    /// <summary>How long ago, in the largest unit that says something.</summary>
    public static string Age(TimeSpan age) => age switch
    {
        { TotalSeconds: < 0 } => "0 s",
        { TotalSeconds: < 120 } => $"{(int)age.TotalSeconds} s",
        { TotalMinutes: < 120 } => $"{(int)age.TotalMinutes} min",
        { TotalHours: < 48 } => $"{(int)age.TotalHours} h",
        _ => $"{(int)age.TotalDays} d",
    };

    public static double? JsonMilliseconds(Duration? duration) =>
        duration is null ? null : Math.Round(duration.ToTimeSpan().TotalMilliseconds, 3);

    /// <summary>EXCLUSION_REASON_NO_FREE_SLOT is "no free slot" to a person.</summary>
    public static string Words(System.Enum value)
    {
        IEnumerable<string> words = value.ToString()
            .Select((c, i) => i > 0 && char.IsUpper(c) ? " " + char.ToLowerInvariant(c) : c.ToString());
        string text = string.Concat(words);
        return char.ToLowerInvariant(text[0]) + text[1..];
    }
}
