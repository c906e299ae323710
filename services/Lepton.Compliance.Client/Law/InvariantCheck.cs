using System.Globalization;

namespace Lepton.Compliance.Client.Law;

/// <summary>
/// Looks for a state that breaks an invariant, over all of them: every subject, category, purpose and destination that
/// the policy tells apart, every interval of every counter, every day from today on at which something changes, and
/// every set of safeguards. Conditions are only ever met by more safeguards, so of all sets without those that the
/// invariant asks for, the largest allows whatever any of them does: one look stands for all.
/// </summary>
internal sealed class InvariantCheck
{
    private const int DatesMax = 64, AssignmentsMax = 4096;

    private static readonly ulong Every = Vocabulary.Safeguards.Aggregate(0UL, (all, s) => all | Vocabulary.Bit(s));

    private readonly LawDocument _law;
    private readonly string[] _subjects;
    private readonly string[] _places;
    private readonly DateOnly _today;
    private readonly long _version;

    public InvariantCheck(LawDocument law, DateOnly today, IEnumerable<string> subjects, long version)
    {
        (_law, _today, _version) = (law, today, version);
        _subjects = LawTableBuilder.SubjectsOf(law, subjects);
        _places = LawTableBuilder.PlacesOf(law, _subjects);
    }

    /// <summary>States looked at so far.</summary>
    public long States { get; private set; }

    /// <summary>A state that breaks it, in words; null: there is none.</summary>
    public PolicyProblem? Find(Invariant invariant)
    {
        string[] subjects =
            [.. _subjects.Where(s => Places.Rank(invariant.Subjects, s, s, invariant.Groups) > 0)];
        string[] categories = [.. Vocabulary.CategoryNames.Where(c => invariant.Categories.Any(
            i => i == Vocabulary.Any || Vocabulary.Distance(c, i) >= 0))];
        Regime[] regimes = [.. _law.Regimes.Where(r => subjects.Any(s => categories.Any(c => r.Covers(s, c))))];
        foreach (var date in DatesOf(regimes))
            foreach (var counts in Assignments(regimes, categories))
                if (Find(invariant, new Scope(subjects, categories, regimes, date, counts)) is { } problem)
                    return problem;
        return null;
    }

    private PolicyProblem? Find(Invariant invariant, Scope scope)
    {
        var inPlace = Every & ~invariant.Unless;
        LawState state = new(scope.Regimes, scope.Date, c => scope.Counts.TryGetValue(c, out var n) ? n : null);
        var table = LawTable.Compile(new LawTableBuilder(
            scope.Regimes, state, scope.Subjects, _places, (_, _, _) => inPlace, _version));
        foreach (var subject in scope.Subjects)
        {
            string[] places = [.. _places.Where(p =>
                Places.Rank(invariant.Destinations, p, subject, invariant.Groups) > 0
                && Places.Rank(invariant.Except, p, subject, invariant.Groups) == 0)];
            foreach (var category in scope.Categories)
                foreach (var purpose in Enum.GetValues<Purpose>())
                {
                    if (invariant.Purposes.Count > 0 && !invariant.Purposes.Contains(purpose))
                        continue;
                    States += places.Length;
                    foreach (var place in places)
                        if (table.Find(subject, category, purpose, place) is { IsAllowed: true } answer)
                            return Broken(invariant, scope, new LawQuery(subject, category, purpose, place), answer);
                }
        }
        return null;
    }

    private static PolicyProblem Broken(Invariant invariant, Scope scope, LawQuery query, LawAnswer answer)
    {
        var counts = string.Join(", ", scope.Counts.Select(c =>
            string.Create(CultureInfo.InvariantCulture, $"{c.Key} = {c.Value}")));
        var by = string.Join(", ", answer.Findings.Select(f => f.RuleId));
        return new PolicyProblem("invariant", invariant.Id, $"{invariant.Says}: broken by {query.Category} data of "
            + $"{query.Subject} that goes to {query.Destination} for {Vocabulary.NameOf(query.Purpose)} on "
            + $"{scope.Date:yyyy-MM-dd}, allowed by {by}, with "
            + (answer.Relied.Count == 0 ? "no safeguard" : string.Join(", ", answer.Relied))
            + (counts.Length == 0 ? "" : $", and {counts}"));
    }

    // Today, and each day to come on which one of their rules begins or ends to hold.
    private IEnumerable<DateOnly> DatesOf(Regime[] regimes) => regimes.SelectMany(r => r.Rules)
        .SelectMany(r => new[] { r.From, r.Until }).OfType<DateOnly>().Where(d => d > _today).Distinct().Order()
        .Take(DatesMax).Prepend(_today);

    // One count of each interval between the thresholds that could matter here. Unknown counts as the highest.
    private static IEnumerable<IReadOnlyDictionary<string, long>> Assignments(Regime[] regimes, string[] categories)
    {
        var bounds = regimes.SelectMany(r => r.Rules)
            .Where(r => r.When is not null && r.Categories.Any(n => n == Vocabulary.Any
                || categories.Any(c => Vocabulary.Distance(c, n) >= 0)))
            .Select(r => r.When).OfType<CounterBound>().GroupBy(w => w.Counter)
            .Select(g => (Counter: g.Key, Counts: g.SelectMany(w => new[] { w.AtLeast, w.Below ?? 0 })
                .Append(0).Distinct().Order().ToArray())).ToArray();
        var total = bounds.Aggregate(1L, (all, b) => all * b.Counts.Length);
        if (total > AssignmentsMax)
            throw new ResidencyPolicyException("counters",
                $"take {AssignmentsMax} combinations of intervals at most for one invariant, have {total}");
        for (var i = 0L; i < total; i++)
        {
            Dictionary<string, long> counts = [];
            var rest = i;
            foreach (var (counter, values) in bounds)
            {
                counts[counter] = values[rest % values.Length];
                rest /= values.Length;
            }
            yield return counts;
        }
    }

    private sealed record Scope(
        string[] Subjects, string[] Categories, Regime[] Regimes, DateOnly Date,
        IReadOnlyDictionary<string, long> Counts);
}
