using Lepton.Cost.Forecast;
using Lepton.Cost.Money;

namespace Lepton.Cost.Tests.Forecast;

/// <summary>
/// Seeded spend by the hour: days and weeks with a season of random strength, growth of -20 to +30 % a month,
/// noise that
/// lasts for hours and for days; and by kind spikes of some hours or a step of the level.
/// </summary>
internal static class SyntheticMonths
{
    public static HourlySpend Make(int seed, string kind, DateTimeOffset start, int hours)
    {
        Random random = new(seed);
        double level = 40e6 * Math.Exp(Gauss(random) / 2), swing = 0.25 + (0.4 * random.NextDouble()),
            weekend = 0.4 + (0.5 * random.NextDouble()), growth = (-0.2 + (0.5 * random.NextDouble())) / 720,
            hourly = 0, daily = 0, spike = 1, step = 1;
        int spikeLeft = 0, stepAt = hours / 3 * 2;
        var micros = new long[hours];
        for (var hour = 0; hour < hours; hour++)
        {
            var at = start.AddHours(hour);
            hourly = (0.9 * hourly) + (0.06 * Gauss(random));
            daily = at.Hour == 0 ? (0.7 * daily) + (0.06 * Gauss(random)) : daily;
            if (kind == "spikes" && spikeLeft-- <= 0)
                (spikeLeft, spike) = random.Next(360) == 0 ? (6, 2 + random.NextDouble()) : (0, 1);
            if (kind == "step" && hour == stepAt)
                step = 0.8 + (0.5 * random.NextDouble());
            var season = (1 + (swing * Math.Sin((at.Hour - 9) * Math.PI / 12)))
                * (at.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? weekend : 1);
            micros[hour] = (long)(level * season * Math.Exp((growth * hour) + hourly + daily) * spike * step);
        }
        return new HourlySpend(start, micros, Currency.Usd);
    }

    // Box and Muller 1958.
    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
