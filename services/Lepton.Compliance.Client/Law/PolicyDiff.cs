namespace Lepton.Compliance.Client.Law;

/// <summary>Decisions of the law that come out otherwise, all from and to the same.</summary>
/// <param name="Was">Effect and rule before.</param>
/// <param name="Is">Effect and rule after.</param>
/// <param name="Subjects">Whose data.</param>
/// <param name="Categories">Which.</param>
/// <param name="Purposes">What for.</param>
/// <param name="Destinations">Where to.</param>
/// <param name="Count">How many decisions.</param>
public sealed record LawChange(
    LawAnswer Was, LawAnswer Is, IReadOnlyList<string> Subjects, IReadOnlyList<string> Categories,
    IReadOnlyList<string> Purposes, IReadOnlyList<string> Destinations, int Count)
{
    /// <summary>What was denied is allowed.</summary>
    public bool Widens => !Was.IsAllowed && Is.IsAllowed;

    /// <summary>What was allowed is denied.</summary>
    public bool Narrows => Was.IsAllowed && !Is.IsAllowed;
}

/// <summary>Where a data class may be now, and not before, or the other way.</summary>
public sealed record ClassChange(
    string DataClass, string Purpose, IReadOnlyList<string> Gained, IReadOnlyList<string> Lost);

/// <summary>A tenant's or model's floor that is another; empty: there was, or is, none.</summary>
public sealed record FloorChange(string Kind, string Name, string Was, string Is);

/// <summary>What another version of a policy decides otherwise, both ways.</summary>
/// <param name="Law">Grouped: what widens first, then what narrows, then the same by another rule.</param>
/// <param name="Classes">By class and purpose.</param>
/// <param name="Floors">Tenants and models.</param>
public sealed record PolicyDiff(
    IReadOnlyList<LawChange> Law, IReadOnlyList<ClassChange> Classes, IReadOnlyList<FloorChange> Floors)
{
    /// <summary>It decides the same.</summary>
    public bool IsEmpty => Law.Count == 0 && Classes.Count == 0 && Floors.Count == 0;

    /// <summary>Compares every decision of both.</summary>
    public static PolicyDiff Between(ResidencyPolicy was, ResidencyPolicy now)
    {
        ArgumentNullException.ThrowIfNull(was);
        ArgumentNullException.ThrowIfNull(now);
        return new PolicyDiff(LawOf(was, now), [.. ClassesOf(was, now)],
            [.. FloorsOf("tenant", was.Document.Tenants, now.Document.Tenants),
                .. FloorsOf("model", was.Document.Models, now.Document.Models)]);
    }

    private static List<LawChange> LawOf(ResidencyPolicy was, ResidencyPolicy now)
    {
        Func<LawQuery, LawAnswer> before = Decider(was), after = Decider(now);
        string[] subjects = Union(was.Table?.Subjects, now.Table?.Subjects);
        string[] places = Union(was.Table?.Places, now.Table?.Places);
        Dictionary<(string, LawEffect, string, string, LawEffect, string), Group> groups = [];
        foreach (var subject in subjects)
            foreach (var category in Vocabulary.CategoryNames)
                foreach (var purpose in Enum.GetValues<Purpose>())
                    foreach (var place in places)
                    {
                        LawQuery query = new(subject, category, purpose, place);
                        var (a, b) = (before(query), after(query));
                        if (a.Effect == b.Effect && a.RuleId == b.RuleId && Lacks(a) == Lacks(b))
                            continue;
                        var key = (a.RuleId, a.Effect, Lacks(a), b.RuleId, b.Effect, Lacks(b));
                        if (!groups.TryGetValue(key, out var group))
                            groups[key] = group = new Group(a, b);
                        group.Add(query);
                    }
        return [.. groups.Values.Select(g => g.Change).OrderBy(c => c.Widens ? 0 : c.Narrows ? 1 : 2)
            .ThenBy(c => c.Was.RuleId, StringComparer.Ordinal).ThenBy(c => c.Is.RuleId, StringComparer.Ordinal)];
    }

    private static string Lacks(LawAnswer answer) =>
        answer.Unmet.Count == 0 ? "" : string.Join('&', answer.Unmet.Select(u => string.Join('|', u)));

    // What a table does not tell apart is answered by the rules themselves.
    private static Func<LawQuery, LawAnswer> Decider(ResidencyPolicy policy)
    {
        if (policy.Law is not { } law || policy.Table is not { } table)
            return _ => LawFinding.Join([], policy.Version);
        var state = law.On(policy.Date);
        return q => table.Find(q.Subject, q.Category, q.Purpose, q.Destination) ?? state.Decide(
            q, law.InPlace(q.Subject, q.Category, q.Destination, policy.Date), policy.Version);
    }

    private static IEnumerable<ClassChange> ClassesOf(ResidencyPolicy was, ResidencyPolicy now)
    {
        foreach (var name in Union(was.DataClasses.Select(c => c.Name), now.DataClasses.Select(c => c.Name)))
            foreach (var purpose in Enum.GetValues<Purpose>())
            {
                var (before, after) = (RegionsOf(was, name, purpose), RegionsOf(now, name, purpose));
                string[] gained = [.. after.Except(before)], lost = [.. before.Except(after)];
                if (gained.Length + lost.Length > 0)
                    yield return new ClassChange(name, Vocabulary.NameOf(purpose), gained, lost);
            }
    }

    private static string[] RegionsOf(ResidencyPolicy policy, string name, Purpose purpose) =>
        policy.DataClasses.FirstOrDefault(c => c.Name == name)?.For(purpose) is { } set
            ? [.. policy.Regions.Where((_, i) => set.Contains(i))] : [];

    private static IEnumerable<FloorChange> FloorsOf(
        string kind, IReadOnlyDictionary<string, string> was, IReadOnlyDictionary<string, string> now) =>
        from name in Union(was.Keys, now.Keys)
        let before = was.GetValueOrDefault(name, "")
        let after = now.GetValueOrDefault(name, "")
        where before != after
        select new FloorChange(kind, name, before, after);

    private static string[] Union(IEnumerable<string>? a, IEnumerable<string>? b) =>
        [.. (a ?? []).Union(b ?? []).Order(StringComparer.Ordinal)];

    private sealed class Group(LawAnswer was, LawAnswer now)
    {
        private readonly SortedSet<string> _subjects = new(StringComparer.Ordinal);
        private readonly SortedSet<string> _categories = new(StringComparer.Ordinal);
        private readonly SortedSet<string> _purposes = new(StringComparer.Ordinal);
        private readonly SortedSet<string> _places = new(StringComparer.Ordinal);
        private int _count;

        public LawChange Change =>
            new(was, now, [.. _subjects], [.. _categories], [.. _purposes], [.. _places], _count);

        public void Add(LawQuery query)
        {
            _count++;
            _subjects.Add(query.Subject);
            _categories.Add(query.Category);
            _purposes.Add(Vocabulary.NameOf(query.Purpose));
            _places.Add(query.Destination);
        }
    }
}
