using Lepton.Cost.Budgets;
using Lepton.Cost.Forecast;
using Lepton.Cost.Money;
using Xunit.Abstractions;

namespace Lepton.Cost.Tests.Forecast;

/// <summary>Month to date and what it will come to, judged by months that are known to their end (B3).</summary>
public sealed class ForecasterTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Start = new(2026, 8, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// 80 months of each kind, forecast on days 3 to 27. Nominal coverage is 80 %; a step of the level in the middle of
    /// the history is learnt from, and costs error. Bounds are those of the run with room; the figures are printed.
    /// </summary>
    [Theory]
    [InlineData("plain", 70, 95, 80)]
    [InlineData("spikes", 70, 95, 80)]
    [InlineData("step", 70, 97, 90)]
    public void Of_SeededMonths_CoversAndIsNear(string kind, int coverMin, int coverMax, int errorMaxPerMille)
    {
        const int Months = 80;
        int covered = 0, naiveWins = 0;
        double error = 0, width = 0;
        for (var seed = 0; seed < Months; seed++)
        {
            var whole = SyntheticMonths.Make(seed, kind, Start, (int)(End - Start).TotalHours);
            var hoursLeft = (28 - (seed % 25)) * 24;
            var known = whole with { Micros = [.. whole.Micros.SkipLast(hoursLeft)] };

            var forecast = Forecaster.Of(known)!;

            double came = whole.Micros.TakeLast(30 * 24).Sum(), toDate = forecast.MonthToDate.Micros,
                off = Math.Abs((forecast.Expected.Micros / came) - 1),
                naive = Math.Abs((toDate / ((30 * 24) - hoursLeft) * 30 * 24 / came) - 1);
            covered += forecast.Low.Micros <= came && came <= forecast.High.Micros ? 1 : 0;
            naiveWins += naive < off ? 1 : 0;
            error += off;
            width += (forecast.High.Micros - forecast.Low.Micros) / came;
            Assert.True(forecast.Low <= forecast.Expected && forecast.Expected <= forecast.High);
        }
        var summary = $"{kind}: covered {covered * 100 / Months} % of {Months} (nominal "
            + $"{Forecaster.CoveragePercent} %), mean error {error / Months:P1}, mean width {width / Months:P1}, "
            + $"run rate nearer in {naiveWins * 100 / Months} %; seeds 0 to {Months - 1}";
        output.WriteLine(summary);
        Assert.True(covered * 100 / Months >= coverMin && covered * 100 / Months <= coverMax, summary);
        Assert.True(error / Months * 1000 <= errorMaxPerMille, summary);
        Assert.True(naiveWins * 2 < Months, summary);
    }

    [Fact]
    public void Of_MonthToDate_IsExact()
    {
        var spend = SyntheticMonths.Make(1, "plain", Start, 100 * 24); // until 9 November

        var forecast = Forecaster.Of(spend)!;

        Assert.Equal(new Amount(spend.Micros.TakeLast(8 * 24).Sum(), Currency.Usd), forecast.MonthToDate);
        Assert.True(forecast.Origins >= Forecaster.OriginsMin);
    }

    [Fact]
    public void Of_MonthThatIsOver_IsWhatItCameTo()
    {
        var spend = SyntheticMonths.Make(1, "plain", Start, (int)(End - Start).TotalHours);

        var forecast = Forecaster.Of(spend)!;

        Assert.Equal(new Amount(spend.Micros.TakeLast(30 * 24).Sum(), Currency.Usd), forecast.MonthToDate);
        Assert.Equal((forecast.MonthToDate, forecast.MonthToDate), (forecast.Low, forecast.High));
    }

    [Fact]
    public void Of_TooLittleHistory_IsNone()
    {
        Assert.Null(Forecaster.Of(SyntheticMonths.Make(1, "plain", Start, 31 * 24) with { Start = Start.AddDays(2) }));
        Assert.Null(Forecaster.Of(new HourlySpend(Start, new long[(90 * 24) + 5], Currency.Usd)));
        Assert.NotNull(Forecaster.Of(SyntheticMonths.Make(1, "plain", Start, (40 * 24) + 7)));
    }

    [Fact]
    public void Of_SameEveryDay_HasNoError()
    {
        var spend = new HourlySpend(Start, [.. Enumerable.Range(0, 100 * 24).Select(h => 1_000_000L * (1 + (h % 24)))],
            Currency.Usd);

        var forecast = Forecaster.Of(spend)!;

        Assert.Equal(30 * 300m, Math.Round((decimal)forecast.Expected.Micros / 1_000_000, 3));
        Assert.Equal(BudgetPeriod.Of(End.AddTicks(-1)), new BudgetPeriod(2026, 11));
    }
}
