using System.Collections.Frozen;

namespace Lepton.Compliance.Client.Law;

/// <summary>
/// The law of a policy on one day as a dense table: subject, category, purpose, destination. Immutable; a decision is
/// four look-ups of names and one of a cell, and allocates nothing.
/// </summary>
internal sealed class LawTable
{
    private readonly FrozenDictionary<string, int> _subjects;
    private readonly FrozenDictionary<string, int> _categories;
    private readonly FrozenDictionary<string, int> _places;
    private readonly FrozenDictionary<string, int> _regions;
    private readonly ushort[] _cells;
    private readonly LawAnswer[] _answers;
    private readonly int _unknownPlace;

    private LawTable(LawTableBuilder built, IReadOnlyDictionary<string, string> regions)
    {
        (Subjects, Places, _cells, _answers) = (built.Subjects, built.Places, built.Cells, built.Answers);
        _subjects = Index(Subjects);
        _categories = Index(Vocabulary.CategoryNames);
        _places = Index(Places);
        _regions = regions.ToFrozenDictionary(r => r.Key, r => _places[r.Value]);
        _unknownPlace = _places[Vocabulary.Unknown];
    }

    /// <summary>Whose data the table tells apart, in its order.</summary>
    public IReadOnlyList<string> Subjects { get; }

    /// <summary>Destinations that it tells apart, in its order.</summary>
    public IReadOnlyList<string> Places { get; }

    /// <summary>Cells of the table.</summary>
    public int States => _cells.Length;

    /// <summary>Compiles.</summary>
    /// <param name="law">What is in force.</param>
    /// <param name="date">On which day.</param>
    /// <param name="subjects">Whose data the policy has, beside those that regimes name.</param>
    /// <param name="version">The policy's, for the answers.</param>
    public static LawTable Compile(LawDocument law, DateOnly date, IEnumerable<string> subjects, long version) =>
        new(LawTableBuilder.Of(law, date, subjects, version), law.Regions);

    /// <summary>Compiles for a state that is not in force, without regions.</summary>
    public static LawTable Compile(LawTableBuilder built) => new(built, new Dictionary<string, string>());

    /// <summary>By names. A subject or category that the policy does not know is denied.</summary>
    /// <param name="subject">A jurisdiction.</param>
    /// <param name="category">A category.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="region">A region; one of no known jurisdiction gets only what may go anywhere.</param>
    public LawAnswer Decide(string subject, string category, Purpose purpose, string region) =>
        _subjects.TryGetValue(subject, out var s) && _categories.TryGetValue(category, out var c)
            ? At(s, c, (int)purpose, _regions.GetValueOrDefault(region, _unknownPlace))
            : _answers[0];

    /// <summary>The same with a jurisdiction as destination; null: the table does not tell one of them apart.</summary>
    public LawAnswer? Find(string subject, string category, Purpose purpose, string place) =>
        _subjects.TryGetValue(subject, out var s) && _categories.TryGetValue(category, out var c)
            && _places.TryGetValue(place, out var d) ? At(s, c, (int)purpose, d) : null;

    private LawAnswer At(int subject, int category, int purpose, int place) =>
        _answers[_cells[LawTableBuilder.Cell(subject, category, purpose, place, Places.Count)]];

    private static FrozenDictionary<string, int> Index(IReadOnlyList<string> names) =>
        names.Select((name, i) => (name, i)).ToFrozenDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
}
