using System.Globalization;
using System.Text;

namespace Lepton.Inference.Pipelines.Language;

/// <summary>
/// Prepares a text as the package <c>lande</c> does in JavaScript, so that its network sees what it was trained on:
/// hyphens become spaces, only letters, marks and white space stay, white space is joined, lower case, one space
/// around.
/// </summary>
internal static class TextNormalizer
{
    public static string Normalize(string text)
    {
        var kept = new StringBuilder(text.Length);
        var hyphens = false;
        foreach (var rune in text.EnumerateRunes())
        {
            var hyphen = rune.Value == '-';
            if (hyphen && !hyphens)
                kept.Append(' '); // a run of hyphens is one space
            else if ((rune.IsBmp && IsSpace((char)rune.Value)) || IsLetterOrMark(rune))
                kept.Append(rune.ToString());
            hyphens = hyphen;
        }
        return $" {Trim(Lower(JoinSpaces(kept)))} ";
    }

    /// <summary>Two or more white-space characters become one space; a single one stays what it is.</summary>
    private static string JoinSpaces(StringBuilder text)
    {
        var joined = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var first = i;
            while (i + 1 < text.Length && IsSpace(text[first]) && IsSpace(text[i + 1]))
                i++;
            joined.Append(i > first ? ' ' : text[first]);
        }
        return joined.ToString();
    }

    /// <summary>
    /// JavaScript's lower case: Unicode's with its two unconditional exceptions, which .NET's invariant case lacks.
    /// </summary>
    private static string Lower(string text)
    {
        var lower = text.Replace("İ", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();
        if (!text.Contains('Σ'))
            return lower;
        var characters = lower.ToCharArray();
        var upper = text.Replace("İ", "I\u0307", StringComparison.Ordinal);
        for (var i = 0; i < characters.Length; i++)
        {
            if (upper[i] == 'Σ' && IsFinal(upper, i))
                characters[i] = 'ς';
        }
        return new string(characters);
    }

    /// <summary>Unicode's Final_Sigma: a cased letter before, none after, marks and modifiers left out.</summary>
    private static bool IsFinal(string text, int index)
    {
        var before = index - 1;
        while (before >= 0 && IsCaseIgnorable(text[before]))
            before--;
        var after = index + 1;
        while (after < text.Length && IsCaseIgnorable(text[after]))
            after++;
        return before >= 0 && IsCased(text[before]) && (after == text.Length || !IsCased(text[after]));
    }

    private static bool IsCased(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IsCaseIgnorable(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.ModifierLetter;

    private static bool IsLetterOrMark(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => true,
        _ => false,
    };

    /// <summary>White space as JavaScript's <c>\s</c> and <c>trim</c> have it.</summary>
    private static bool IsSpace(char c) => c is (>= '\t' and <= '\r') or ' ' or '\u00a0' or '\u1680'
        or (>= '\u2000' and <= '\u200a') or '\u2028' or '\u2029' or '\u202f' or '\u205f' or '\u3000' or '\ufeff';

    private static string Trim(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return text[start..end];
    }
}
