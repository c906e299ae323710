using System.Globalization;

namespace Lepton.Routing.Gateway;

/// <summary>The header grpc-timeout: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").</summary>
internal static class GrpcTimeout
{
    public static bool TryParse(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture,
                out long n))
            return false;
        long? ticks = text[^1] switch
        {
            'H' => n * TimeSpan.TicksPerHour,
            'M' => n * TimeSpan.TicksPerMinute,
            'S' => n * TimeSpan.TicksPerSecond,
            'm' => n * TimeSpan.TicksPerMillisecond,
            'u' => n * TimeSpan.TicksPerMicrosecond,
            'n' => n / 100, // a tick is 100 ns
            _ => null,
        };
        timeout = new TimeSpan(ticks ?? 0);
        return ticks is not null;
    }

    /// <summary>The same time, rounded up in the finest unit that fits eight digits; never negative.</summary>
    public static string Format(TimeSpan timeout)
    {
        long microseconds = Math.Max(0, (timeout.Ticks + 9) / 10);
        (long value, char unit) = microseconds < 100_000_000 ? (microseconds, 'u')
            : microseconds / 1000 < 100_000_000 ? ((microseconds + 999) / 1000, 'm')
            : (Math.Min((microseconds + 999_999) / 1_000_000, 99_999_999), 'S');
        return string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
    }
}
