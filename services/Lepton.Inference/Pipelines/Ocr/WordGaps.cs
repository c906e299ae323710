using System.Text;
using Lepton.Inference.Images;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>A character that the recogniser read, and the middle of where, in pixels of the crop.</summary>
internal readonly record struct ReadCharacter(string Text, float X);

/// <summary>
/// Puts in the spaces that the recogniser left out. It was trained mostly on Chinese, which has none, and joins Latin
/// words at times; the empty columns between two characters show where a word ends.
/// </summary>
internal static class WordGaps
{
    /// <summary>A narrower gap is never a space: about 0.15 of the line's height.</summary>
    private const int GapMin = 7;

    /// <summary>
    /// A column holds ink when a pixel of it differs from the paper by this part of the line's contrast.
    /// </summary>
    private const float InkThreshold = 0.3f;

    /// <summary>A 1 is narrow and stands free; a number torn apart is worse than two joined.</summary>
    private const float NumberFactor = 1.5f;

    private const string NoSpaceBefore = ",.;:!?)]}%'\"”’";
    private const string NoSpaceAfter = "([{'\"“‘#$€£";

    public static string Join(RgbImage crop, IReadOnlyList<ReadCharacter> characters)
    {
        var ink = Ink(crop);
        var gaps = new int[Math.Max(0, characters.Count - 1)];
        for (var i = 0; i < gaps.Length; i++)
            gaps[i] = Gap(ink, characters[i].X, characters[i + 1].X);
        var threshold = Math.Max(GapMin, (2.5f * Median(gaps)) + 2);
        var text = new StringBuilder();
        for (var i = 0; i < characters.Count; i++)
        {
            text.Append(characters[i].Text);
            if (i == gaps.Length)
                break;
            var (left, right) = (characters[i].Text, characters[i + 1].Text);
            if (MayPart(left, right) && gaps[i] >= threshold * (IsNumber(left, right) ? NumberFactor : 1))
                text.Append(' ');
        }
        return text.ToString().Trim();
    }

    private static bool MayPart(string left, string right) =>
        IsLatin(left) && IsLatin(right) && !NoSpaceAfter.Contains(left, StringComparison.Ordinal)
        && !NoSpaceBefore.Contains(right, StringComparison.Ordinal);

    private static bool IsNumber(string left, string right) =>
        left is [>= '0' and <= '9'] && right is [>= '0' and <= '9'];

    /// <summary>Of a script that parts words by spaces; a space itself parts already.</summary>
    private static bool IsLatin(string character) => character is [> ' ' and < '\u0250'];

    private static bool[] Ink(RgbImage crop)
    {
        var luminance = new int[crop.Width * crop.Height];
        var histogram = new int[256];
        for (var i = 0; i < luminance.Length; i++)
        {
            luminance[i] = (crop.Pixels[i * 3] + (2 * crop.Pixels[(i * 3) + 1]) + crop.Pixels[(i * 3) + 2]) / 4;
            histogram[luminance[i]]++;
        }
        // Paper is the commonest shade.
        var paper = Array.IndexOf(histogram, histogram.Max());
        var contrast = Math.Max(
            paper - Array.FindIndex(histogram, n => n > 0), Array.FindLastIndex(histogram, n => n > 0) - paper);
        var ink = new bool[crop.Width];
        // The outer rows may show the lines above and below.
        for (var y = crop.Height / 8; y < crop.Height * 7 / 8; y++)
        {
            for (var x = 0; x < crop.Width; x++)
                ink[x] |= Math.Abs(luminance[(y * crop.Width) + x] - paper) > contrast * InkThreshold;
        }
        return ink;
    }

    /// <summary>The longest run of empty columns between two places.</summary>
    private static int Gap(bool[] ink, float from, float to)
    {
        var (longest, run) = (0, 0);
        for (var x = Math.Max(0, (int)from); x <= Math.Min(ink.Length - 1, (int)to); x++)
        {
            run = ink[x] ? 0 : run + 1;
            longest = Math.Max(longest, run);
        }
        return longest;
    }

    private static int Median(int[] values)
    {
        if (values.Length == 0)
            return 0;
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
