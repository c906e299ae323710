namespace Lepton.Cost.Forecast;

/// <summary>
/// What the next hours will cost, from the last eight weeks: how an hour of the week compares with the mean hour, times
/// the level of late, times growth that fades.
/// </summary>
/// <remarks>
/// The level is an exponentially weighted mean of days without their season, half-life 7 days; growth is the slope of
/// their logarithm by least squares, halved (shrunk: most trends seen in eight weeks are chance) and damped by 3 %
/// a day
/// (Gardner and McKenzie 1985). In binary fractions: these are statistics, no money is added up here.
/// </remarks>
internal static class Seasonal
{
    /// <summary>Hours of a week.</summary>
    public const int Week = 7 * 24;

    /// <summary>Days that a forecast needs.</summary>
    public const int DaysMin = 21;

    private const int DaysMax = 56, Day = 24;
    private const double HalfLifeDays = 7, Shrink = 0.5, Damping = 0.97;

    /// <summary>The sum over the next hours.</summary>
    /// <param name="past">Hours, the last one just ended; 21 days or more. The first is hour 0 of its week.</param>
    /// <param name="horizon">Hours to come, 0 or more.</param>
    public static double Sum(ReadOnlySpan<double> past, int horizon)
    {
        var n = past.Length;
        var start = Math.Max(0, n - (DaysMax * Day));
        Span<double> profile = stackalloc double[Week];
        Profile(past, start, profile);

        var days = (n - start) / Day;
        Span<double> levels = stackalloc double[days];
        for (var day = 0; day < days; day++)
        {
            double spent = 0, usual = 0;
            for (var hour = n - ((days - day) * Day); hour < n - ((days - day - 1) * Day); hour++)
                (spent, usual) = (spent + past[hour], usual + profile[hour % Week]);
            levels[day] = usual > 0 ? spent / usual : 0;
        }
        double level = 0, weights = 0, age = 0;
        for (var day = 0; day < days; day++)
        {
            var old = days - 1 - day;
            var weight = Math.Pow(0.5, old / HalfLifeDays);
            (level, weights, age) = (level + (weight * levels[day]), weights + weight, age + (weight * old));
        }
        var growth = Shrink * Slope(levels);
        double sum = 0;
        for (var hour = 0; hour < horizon; hour++)
        {
            var ahead = (hour + 0.5) / Day;
            // The level is as old as its mean day.
            var grown = Math.Exp(growth * ((age / weights)
                + (Damping * (1 - Math.Pow(Damping, ahead)) / (1 - Damping))));
            sum += profile[(n + hour) % Week] * grown;
        }
        return sum * level / weights;
    }

    private static void Profile(ReadOnlySpan<double> past, int start, Span<double> profile)
    {
        Span<int> counts = stackalloc int[Week];
        profile.Clear();
        counts.Clear();
        for (var hour = start; hour < past.Length; hour++)
        {
            profile[hour % Week] += past[hour];
            counts[hour % Week]++;
        }
        double mean = 0;
        for (var hour = 0; hour < Week; hour++)
            mean += profile[hour] /= Math.Max(1, counts[hour]);
        mean /= Week;
        for (var hour = 0; hour < Week; hour++)
            profile[hour] = mean > 0 ? profile[hour] / mean : 1;
    }

    // Of the logarithm, a day. Days without spend say nothing of growth.
    private static double Slope(ReadOnlySpan<double> levels)
    {
        double n = 0, x = 0, y = 0, xx = 0, xy = 0;
        for (var day = 0; day < levels.Length; day++)
        {
            if (levels[day] <= 0)
                continue;
            var log = Math.Log(levels[day]);
            (n, x, y, xx, xy) = (n + 1, x + day, y + log, xx + ((double)day * day), xy + (day * log));
        }
        var spread = (n * xx) - (x * x);
        return n >= 14 && spread > 0 ? ((n * xy) - (x * y)) / spread : 0;
    }
}
