using System.Text.RegularExpressions;

namespace Lepton.Compliance.Client.Law;

/// <summary>
/// Jurisdictions: ISO 3166-1 alpha-2 codes or EU, with a part after a hyphen where law differs within (CA-QC, EU-DE).
/// What covers the whole covers its parts.
/// </summary>
internal static partial class Places
{
    public const int Exact = 4, Whole = 3, Group = 2, Any = 1, None = 0;

    public static bool IsCode(string text) => Code().IsMatch(text);

    /// <summary>Is the place this one, or a part of it?</summary>
    public static bool IsWithin(string place, string whole) =>
        place == whole || (place.Length > whole.Length && place[whole.Length] == '-'
            && place.StartsWith(whole, StringComparison.Ordinal));

    /// <summary>The country or union of a place.</summary>
    public static string CountryOf(string place) => place.Length > 2 ? place[..2] : place;

    /// <summary>
    /// How specifically a term of a rule covers a place: <see cref="Exact"/> this very one, <see cref="Whole"/> what it
    /// is a part of or the subject's own, <see cref="Group"/> by a group, <see cref="Any"/> by <c>*</c>.
    /// </summary>
    public static int Rank(
        string term, string place, string subject, IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        if (term == Vocabulary.Any)
            return Any;
        if (place == Vocabulary.Unknown)
            return None;
        return term switch
        {
            Vocabulary.Home => CountryOf(place) == CountryOf(subject) ? Whole : None,
            Vocabulary.Here => IsWithin(place, subject) ? Whole : None,
            _ when groups.TryGetValue(term, out var group) => group.Any(g => IsWithin(place, g)) ? Group : None,
            _ => place == term ? Exact : IsWithin(place, term) ? Whole : None,
        };
    }

    /// <summary>The most specific of several terms.</summary>
    public static int Rank(
        IReadOnlyList<string> terms, string place, string subject,
        IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        var best = None;
        foreach (var term in terms)
            best = Math.Max(best, Rank(term, place, subject, groups));
        return best;
    }

    [GeneratedRegex(@"^[A-Z]{2}(-[A-Z0-9]{1,3})?\z")]
    private static partial Regex Code();
}
