namespace Lepton.Compliance.Client.Law;

/// <summary>
/// Fills the table rule by rule, unlike <see cref="LawState.Choose"/>, which walks the rules for one transfer: each is
/// tested by the other.
/// </summary>
internal sealed class LawTableBuilder
{
    private readonly LawState _state;
    private readonly ulong[] _inPlace; // by subject, category, place
    private readonly List<List<LawFinding>> _outcomes = [[]];
    private readonly Dictionary<(int Outcome, LawFinding Finding), ushort> _joined = [];
    private readonly Dictionary<(string Regime, string? Rule, ulong InPlace), LawFinding> _findings = [];

    /// <param name="regimes">By id.</param>
    /// <param name="state">The rules and what is known of counters.</param>
    /// <param name="subjects">The first dimension; each once.</param>
    /// <param name="places">The last dimension; each once, <see cref="Vocabulary.Unknown"/> among them.</param>
    /// <param name="inPlace">Safeguards in place for a subject, category and place.</param>
    /// <param name="version">The policy's, for the answers.</param>
    public LawTableBuilder(
        IReadOnlyList<Regime> regimes, LawState state, string[] subjects, string[] places,
        Func<string, string, string, ulong> inPlace, long version)
    {
        (_state, Subjects, Places) = (state, subjects, places);
        Cells = new ushort[Subjects.Length * CategoryCount * PurposeCount * Places.Length];
        _inPlace = new ulong[Subjects.Length * CategoryCount * Places.Length];
        for (var s = 0; s < Subjects.Length; s++)
            for (var c = 0; c < CategoryCount; c++)
                for (var d = 0; d < Places.Length; d++)
                    _inPlace[((s * CategoryCount) + c) * Places.Length + d] =
                        inPlace(Subjects[s], Vocabulary.CategoryNames[c], Places[d]);
        foreach (var regime in regimes)
            Add(regime);
        Answers = [.. _outcomes.Select(o => LawFinding.Join(o, version))];
    }

    public string[] Subjects { get; }

    public string[] Places { get; }

    public ushort[] Cells { get; }

    public LawAnswer[] Answers { get; }

    private static int CategoryCount => Vocabulary.CategoryNames.Count;

    private static int PurposeCount => Vocabulary.PurposeNames.Count;

    /// <summary>What is in force on a day.</summary>
    public static LawTableBuilder Of(LawDocument law, DateOnly date, IEnumerable<string> more, long version)
    {
        var subjects = SubjectsOf(law, more);
        return new LawTableBuilder(law.Regimes, law.On(date), subjects, PlacesOf(law, subjects),
            (subject, category, place) => law.InPlace(subject, category, place, date), version);
    }

    public static int Cell(int subject, int category, int purpose, int place, int places) =>
        ((((subject * CategoryCount) + category) * PurposeCount) + purpose) * places + place;

    private void Add(Regime regime)
    {
        var size = PurposeCount * Places.Length;
        var ranks = new int[size];
        var rules = new LawRule?[size];
        for (var s = 0; s < Subjects.Length; s++)
        {
            for (var c = 0; c < CategoryCount; c++)
            {
                if (!regime.Covers(Subjects[s], Vocabulary.CategoryNames[c]))
                    continue;
                Array.Clear(ranks);
                Array.Clear(rules);
                foreach (var rule in regime.Rules)
                    Lay(regime, rule, s, c, ranks, rules);
                for (var at = 0; at < size; at++)
                    Note(regime, rules[at], s, c, at);
            }
        }
    }

    // One rule over all purposes and destinations of a subject and category.
    private void Lay(Regime regime, LawRule rule, int subject, int category, int[] ranks, LawRule?[] rules)
    {
        if (!rule.HoldsOn(_state.Date) || rule.When?.Holds(_state.CountOf(rule.When.Counter)) == false)
            return;
        var ofCategory = RuleRank.OfCategory(rule, Vocabulary.CategoryNames[category]);
        var ofSubject = Law.Places.Rank(rule.Subjects, Subjects[subject], Subjects[subject], regime.Groups);
        if (ofCategory == 0 || ofSubject == 0)
            return;
        for (var d = 0; d < Places.Length; d++)
        {
            var ofPlace = Law.Places.Rank(rule.Destinations, Places[d], Subjects[subject], regime.Groups);
            if (ofPlace == 0)
                continue;
            for (var p = 0; p < PurposeCount; p++)
            {
                var rank = RuleRank.Combine(ofCategory, ofPlace, ofSubject, RuleRank.OfPurpose(rule, (Purpose)p));
                ref var best = ref ranks[(p * Places.Length) + d];
                ref var chosen = ref rules[(p * Places.Length) + d];
                if (rank == 0 || rank < best || (rank == best && !LawState.IsBefore(rule, chosen)))
                    continue;
                (best, chosen) = (rank, rule);
            }
        }
    }

    private void Note(Regime regime, LawRule? rule, int subject, int category, int at)
    {
        var (purpose, place) = (at / Places.Length, at % Places.Length);
        var inPlace = _inPlace[((subject * CategoryCount) + category) * Places.Length + place];
        inPlace &= rule?.Conditions.Aggregate(0UL, (all, c) => all | c) ?? 0;
        if (!_findings.TryGetValue((regime.Id, rule?.Id, inPlace), out var finding))
            _findings[(regime.Id, rule?.Id, inPlace)] = finding = LawFinding.Of(regime, rule, inPlace);
        ref var cell = ref Cells[Cell(subject, category, purpose, place, Places.Length)];
        if (!_joined.TryGetValue((cell, finding), out var outcome))
        {
            outcome = checked((ushort)_outcomes.Count);
            _outcomes.Add([.. _outcomes[cell], finding]);
            _joined[(cell, finding)] = outcome;
        }
        cell = outcome;
    }

    public static string[] SubjectsOf(LawDocument law, IEnumerable<string> more) => Sorted(
    [
        .. law.Regimes.SelectMany(r => r.Subjects.Concat(r.Rules.SelectMany(u => u.Subjects)).SelectMany(r.Codes)),
        .. law.Safeguards.SelectMany(s => s.Subjects), .. law.Regions.Values, .. more,
    ]);

    public static string[] PlacesOf(LawDocument law, string[] subjects) => Sorted(
    [
        .. subjects, .. law.Regimes.SelectMany(r => r.Rules.SelectMany(u => u.Destinations).SelectMany(r.Codes)),
        .. law.Regimes.SelectMany(r => r.Invariants).Concat(law.Invariants)
            .SelectMany(i => i.Destinations.Concat(i.Except)).Where(Law.Places.IsCode),
        .. law.Safeguards.SelectMany(s => s.Destinations),
    ]);

    private static string[] Sorted(IEnumerable<string> codes) =>
        [.. codes.Append(Vocabulary.Unknown).Distinct().Order(StringComparer.Ordinal)];
}
