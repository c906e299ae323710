namespace Lepton.Cost.Money;

/// <summary>The one rule of rounding: to the nearest, and a half to the even neighbour, so that halves
/// cancel.</summary>
internal static class Rounding
{
    /// <param name="numerator">Any.</param>
    /// <param name="denominator">1 or more.</param>
    public static Int128 HalfEven(Int128 numerator, Int128 denominator)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(denominator, Int128.One);
        var (quotient, remainder) = Int128.DivRem(numerator, denominator);
        var rest = Int128.Abs(remainder);
        var other = denominator - rest; // no doubling: it could overflow
        var away = rest > other || (rest == other && Int128.IsOddInteger(quotient));
        return away ? quotient + (Int128.IsNegative(numerator) ? -1 : 1) : quotient;
    }
}
