using System.Globalization;

namespace Lepton.Cost.Money;

/// <summary>Decimals as whole numbers of their last digit: no binary fraction on the way.</summary>
internal static class Fixed
{
    /// <summary>Reads digits, and after a point at most so many; no sign but a minus, no exponent, no spaces.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, int digits, out long value)
    {
        value = 0;
        var negative = text is ['-', ..];
        var rest = negative ? text[1..] : text;
        var point = rest.IndexOf('.');
        var whole = point < 0 ? rest : rest[..point];
        var fraction = point < 0 ? [] : rest[(point + 1)..];
        if (whole.Length is 0 or > 19 || fraction.Length > digits || (point >= 0 && fraction.Length == 0))
            return false;
        Int128 read = 0;
        foreach (var c in whole)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            read = (read * 10) + (c - '0');
        }
        for (var i = 0; i < digits; i++)
        {
            if (i < fraction.Length && !char.IsAsciiDigit(fraction[i]))
                return false;
            read = (read * 10) + (i < fraction.Length ? fraction[i] - '0' : 0);
        }
        read = negative ? -read : read;
        if (read > long.MaxValue || read < long.MinValue)
            return false;
        value = (long)read;
        return true;
    }

    /// <summary>Writes it with as few decimals as it needs.</summary>
    public static string Write(Int128 value, int digits)
    {
        var negative = Int128.IsNegative(value);
        var scale = Power(digits);
        var (whole, fraction) = Int128.DivRem(value, scale);
        var text = Int128.Abs(whole).ToString(CultureInfo.InvariantCulture);
        if (fraction != 0)
            text += "." + Int128.Abs(fraction).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0').TrimEnd('0');
        return negative ? "-" + text : text;
    }

    private static Int128 Power(int digits)
    {
        Int128 power = 1;
        for (var i = 0; i < digits; i++)
            power *= 10;
        return power;
    }
}
