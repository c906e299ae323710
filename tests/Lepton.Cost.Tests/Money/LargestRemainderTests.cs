using FsCheck;
using FsCheck.Fluent;
using Lepton.Cost.Money;

namespace Lepton.Cost.Tests.Money;

/// <summary>Parts add up to the whole, whatever is divided (B3). FsCheck prints the seed of a failure.</summary>
public sealed class LargestRemainderTests
{
    private static readonly Config Thousands = Config.QuickThrowOnFailure.WithMaxTest(5_000);

    private static Arbitrary<(long Total, long[] Weights)> Cases() =>
        (from total in Gen.OneOf(Gen.Choose(-1_000, 1_000).Select(i => (long)i), ArbMap.Default.GeneratorFor<long>())
         from count in Gen.Choose(1, 40)
         from weights in Gen.ArrayOf(Gen.OneOf(
             Gen.Constant(0L), Gen.Choose(0, 100).Select(i => (long)i),
             ArbMap.Default.GeneratorFor<long>().Select(w => w & long.MaxValue)), count)
         where weights.Any(w => w > 0) && total != long.MinValue
         select (total, weights)).ToArbitrary();

    [Fact]
    public void Divide_AnyTotal_AddsUpAndStaysWithinAUnit() => Prop.ForAll(Cases(), c =>
    {
        var parts = LargestRemainder.Divide(c.Total, [.. c.Weights.Select(w => (Int128)w)]);
        var sum = c.Weights.Aggregate(System.Numerics.BigInteger.Zero, (all, w) => all + w);
        return parts.Aggregate((Int128)0, (all, p) => all + p) == c.Total
            && parts.Zip(c.Weights).All(p => System.Numerics.BigInteger.Abs(
                ((System.Numerics.BigInteger)p.First * sum) - ((System.Numerics.BigInteger)c.Total * p.Second)) < sum)
            && parts.Zip(c.Weights).All(p => p.Second > 0 || p.First == 0);
    }).Check(Thousands);

    [Fact]
    public void Divide_Debt_IsThatOfTheCreditNegated() => Prop.ForAll(Cases(), c =>
    {
        Int128[] weights = [.. c.Weights.Select(w => (Int128)w)];
        return LargestRemainder.Divide(-(Int128)c.Total, weights)
            .SequenceEqual(LargestRemainder.Divide(c.Total, weights).Select(p => -p));
    }).Check(Thousands);

    [Fact]
    public void Divide_EqualFractions_TheFirstGetMore() =>
        Assert.Equal([34, 33, 33], LargestRemainder.Divide(100, [1, 1, 1]).Select(p => (int)p));

    [Fact]
    public void Divide_NoWeight_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => LargestRemainder.Divide(1, [0, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => LargestRemainder.Divide(1, [2, -1]));
    }

    [Fact]
    public void Round_AnyExactAmounts_AddUpToTheirRoundedTotal() => Prop.ForAll(
        Gen.ArrayOf(ArbMap.Default.GeneratorFor<long>()).ToArbitrary(), parts =>
        {
            ExactAmount[] exact = [.. parts.Select(p => new ExactAmount((Int128)p * 7919, Currency.Usd))];
            var rounded = LargestRemainder.Round(exact, Currency.Usd);
            var total = exact.Aggregate(ExactAmount.Zero(Currency.Usd), (all, one) => all + one).Round();
            return Amount.Sum(rounded, Currency.Usd) == total
                && rounded.Zip(exact).All(r => Int128.Abs(
                    (ExactAmount.From(r.First) - r.Second).Parts) <= ExactAmount.PartsPerMicro);
        }).Check(Thousands);

    [Fact]
    public void Split_AnyExactAmount_ComesBackWhole() => Prop.ForAll(ArbMap.Default.ArbFor<long>(), parts =>
    {
        ExactAmount exact = new(parts, Currency.Usd);
        var (micros, remainder) = exact.Split();
        return remainder is >= 0 and < ExactAmount.PartsPerMicro
            && ExactAmount.From(micros, remainder, Currency.Usd) == exact;
    }).Check(Thousands);
}
