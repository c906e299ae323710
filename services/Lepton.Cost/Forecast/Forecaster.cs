using Lepton.Cost.Budgets;
using Lepton.Cost.Money;

namespace Lepton.Cost.Forecast;

/// <summary>
/// Month to date and what the month will come to, with an interval (B3). The interval is learnt, not assumed: the same
/// forecast is made at every midnight of the past for as many hours as are to come now, and the quantiles of how far
/// each was off, widened since neighbouring midnights say much the same, are put around the forecast of now.
/// </summary>
internal static class Forecaster
{
    /// <summary>Days of history that are looked at.</summary>
    public const int HistoryDaysMax = 120;

    /// <summary>Midnights that an interval needs.</summary>
    public const int OriginsMin = 10;

    /// <summary>The interval's nominal coverage, in percent.</summary>
    public const int CoveragePercent = 80;

    private const int Day = 24;

    // Overlapping horizons: of 60 origins with a horizon of 15 days about four are independent. Found by the back-test
    // over seeded months in ForecasterTests.
    private const double Widening = 1.4;

    /// <summary>Forecasts the month that the history ends in.</summary>
    /// <param name="spend">Hours up to now; the last one just ended.</param>
    /// <returns>Null: it has not 32 days of history, or nothing was spent.</returns>
    public static SpendForecast? Of(HourlySpend spend)
    {
        var now = spend.Start.AddHours(spend.Micros.Count);
        // When the month has just ended, it is that month.
        var period = BudgetPeriod.Of(now.AddTicks(-1));
        var past = Enumerable.Range(Math.Max(0, spend.Micros.Count - (HistoryDaysMax * Day)),
            Math.Min(spend.Micros.Count, HistoryDaysMax * Day)).Select(i => (double)spend.Micros[i]).ToArray();
        var hours = (int)(now - period.Start).TotalHours;
        var monthToDate = Amount.FromMicros(spend.Micros.TakeLast(hours).Aggregate((Int128)0, (sum, m) => sum + m),
            spend.Currency);
        var horizon = (int)(period.End - now).TotalHours;
        if (horizon == 0)
            return new SpendForecast(monthToDate, monthToDate, monthToDate, monthToDate, 0);
        var days = past.Length / Day;
        // A long horizon with a short history: learnt over as many days as leave enough midnights.
        var learnt = Math.Min(horizon, (days - Seasonal.DaysMin - OriginsMin) * Day);
        if (learnt <= 0 || past.All(h => h <= 0))
            return null;

        var expected = Seasonal.Sum(past, horizon);
        var misses = Misses(past, learnt);
        if (misses.Count < OriginsMin)
            return null;
        // Errors of a sum grow no faster than with the root of its length, levels that drift aside.
        var scale = Widening * Math.Sqrt((double)horizon / learnt);
        var tail = (100 - CoveragePercent) / 200.0;
        var low = expected * Math.Exp(Math.Min(0, Quantile(misses, tail)) * scale);
        var high = expected * Math.Exp(Math.Max(0, Quantile(misses, 1 - tail)) * scale);
        return new SpendForecast(monthToDate, At(expected), At(low), At(high), misses.Count);

        Amount At(double rest) => monthToDate + new Amount(ToMicros(rest), spend.Currency);
    }

    // Logarithms of what came over what was forecast, at each midnight.
    private static List<double> Misses(double[] past, int horizon)
    {
        List<double> misses = [];
        var first = (Seasonal.DaysMin * Day) + (past.Length % Day);
        for (var origin = first; origin + horizon <= past.Length; origin += Day)
        {
            var came = past.AsSpan(origin, horizon).ToArray().Sum();
            var foreseen = Seasonal.Sum(past.AsSpan(0, origin), horizon);
            if (came > 0 && foreseen > 0)
                misses.Add(Math.Log(came / foreseen));
        }
        misses.Sort();
        return misses;
    }

    // As split conformal prediction takes it (Vovk 2005): the rank among n + 1, so that few origins widen it.
    private static double Quantile(List<double> sorted, double q)
    {
        var rank = q < 0.5 ? Math.Floor((sorted.Count + 1) * q) : Math.Ceiling((sorted.Count + 1) * q);
        return sorted[(int)Math.Clamp(rank - 1, 0, sorted.Count - 1)];
    }

    private static long ToMicros(double micros) =>
        micros < long.MaxValue / 2 ? (long)Math.Round(micros, MidpointRounding.ToEven)
            : throw new OverflowException("A forecast beyond what an amount holds.");
}
