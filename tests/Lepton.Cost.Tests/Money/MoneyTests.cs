using Lepton.Cost.Money;

namespace Lepton.Cost.Tests.Money;

/// <summary>Amounts, rounding and dated exchange (B2).</summary>
public sealed class MoneyTests
{
    private static readonly Currency Eur = Currency.Parse("EUR");

    [Theory]
    [InlineData("12.5", 12_500_000, "12.5")]
    [InlineData("-0.000001", -1, "-0.000001")]
    [InlineData("007", 7_000_000, "7")]
    [InlineData("9223372036854.775807", long.MaxValue, "9223372036854.775807")]
    public void Parse_Decimal_IsExact(string text, long micros, string written)
    {
        var amount = Amount.Parse(text, Currency.Usd);

        Assert.Equal(micros, amount.Micros);
        Assert.Equal(written, amount.ToDecimal());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.2345678")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData("1,000")]
    [InlineData("9223372036854.775808")]
    [InlineData("٣")]
    public void Parse_NoAmount_SaysWhatIsTaken(string text) =>
        Assert.Contains("at most 6 decimals",
            Assert.Throws<FormatException>(() => Amount.Parse(text, Currency.Usd)).Message, StringComparison.Ordinal);

    [Fact]
    public void Add_BeyondRange_Throws()
    {
        Amount most = new(long.MaxValue, Currency.Usd), one = new(1, Currency.Usd);

        Assert.Throws<OverflowException>(() => most + one);
        Assert.Throws<OverflowException>(() => Amount.Sum([most, one], Currency.Usd));
        // On the way a sum may be wider.
        Assert.Equal(most, Amount.Sum([most, one, -one], Currency.Usd));
    }

    [Fact]
    public void Add_TwoCurrencies_Throws()
    {
        Amount dollar = new(1, Currency.Usd), euro = new(1, Eur);

        Assert.Throws<CurrencyMismatchException>(() => dollar + euro);
        Assert.Throws<CurrencyMismatchException>(() => dollar < euro);
        Assert.Throws<CurrencyMismatchException>(() => Amount.Sum([euro], Currency.Usd));
        Assert.Throws<CurrencyMismatchException>(() => ExactAmount.From(dollar) + ExactAmount.From(euro));
    }

    [Theory]
    [InlineData(5, 2, 2)]
    [InlineData(7, 2, 4)]
    [InlineData(-5, 2, -2)]
    [InlineData(-7, 2, -4)]
    [InlineData(8, 3, 3)]
    [InlineData(-8, 3, -3)]
    [InlineData(7, 3, 2)]
    public void HalfEven_Halves_GoToTheEvenNeighbour(long numerator, long denominator, long expected) =>
        Assert.Equal(expected, Rounding.HalfEven(numerator, denominator));

    [Fact]
    public void HalfEven_WidestValues_DoNotOverflow() =>
        Assert.Equal(1, Rounding.HalfEven(Int128.MaxValue - 1, Int128.MaxValue));

    [Fact]
    public void Currency_Codes_AreOfIso4217()
    {
        Assert.Equal(155, Currency.All.Count);
        Assert.All(Currency.All, c => Assert.Matches("^[A-Z]{3}$", c.Code));
        Assert.Equal((0, 2, 3),
            (Currency.Parse("JPY").MinorDigits, Eur.MinorDigits, Currency.Parse("KWD").MinorDigits));
        Assert.Throws<FormatException>(() => Currency.Parse("usd"));
        Assert.Null(Currency.Find("DEM"));
    }

    [Theory]
    [InlineData("2026-11-01", null)]
    [InlineData("2026-11-02", "0.93")]
    [InlineData("2026-11-04", "0.93")]
    [InlineData("2026-11-05", "0.9")]
    [InlineData("2026-11-12", "0.9")]
    [InlineData("2026-11-13", null)] // 8 days old
    public void Convert_Day_TakesTheLatestRateThatIsNotTooOld(string day, string? expected)
    {
        ExchangeRates rates = new([Rate(900_000_000, 5), Rate(930_000_000, 2)]);

        var converted = rates.Convert(Amount.Parse("1", Currency.Usd), Eur, DateOnly.Parse(day));

        Assert.Equal(expected, converted?.Amount.ToDecimal());
        Assert.Equal(expected is null, converted?.Rate is null);
        Assert.Null(rates.Convert(Amount.Parse("1", Eur), Currency.Usd, DateOnly.Parse(day))); // no inverse is made up
    }

    [Fact]
    public void Convert_HalfAMicro_RoundsToEven()
    {
        var half = Rate(500_000_000, 1);

        Assert.Equal([0, 2, 2, -2], new long[] { 1, 3, 5, -5 }.Select(m =>
            half.Convert(new Amount(m, Currency.Usd)).Micros));
        Assert.Throws<CurrencyMismatchException>(() => half.Convert(new Amount(1, Eur)));
    }

    private static ExchangeRate Rate(long billionths, int day) =>
        new(Currency.Usd, Eur, billionths, new DateOnly(2026, 11, day), "a test");
}
