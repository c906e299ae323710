namespace Lepton.Compliance.Client.Law;

/// <summary>What a rule says of a transfer that it covers.</summary>
public enum LawEffect
{
    /// <summary>It may not be.</summary>
    Deny = 0,

    /// <summary>It may be, once every condition is met.</summary>
    Allow = 1,
}

/// <summary>One law as data: <c>deploy/regimes/ID.yaml</c>.</summary>
/// <param name="Id">Lower-case letters, digits and hyphens.</param>
/// <param name="Name">For people.</param>
/// <param name="Source">The law.</param>
/// <param name="Dated">The state of the law that was written down.</param>
/// <param name="Subjects">Whose data: jurisdictions, groups of its own, or <c>*</c>.</param>
/// <param name="Categories">Which data.</param>
/// <param name="Groups">Sets of jurisdictions by name.</param>
/// <param name="Counters">Counters that its rules look at, and what each counts.</param>
/// <param name="Rules">In the file's order.</param>
/// <param name="Invariants">What must hold in every state.</param>
/// <param name="Tests">Its own cases.</param>
internal sealed record Regime(
    string Id, string Name, string Source, DateOnly Dated,
    IReadOnlyList<string> Subjects, IReadOnlyList<string> Categories,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Groups, IReadOnlyDictionary<string, string> Counters,
    IReadOnlyList<LawRule> Rules, IReadOnlyList<Invariant> Invariants, IReadOnlyList<LawTest> Tests)
{
    /// <summary>Is it about this person's data of this category at all?</summary>
    public bool Covers(string subject, string category) =>
        Subjects.Any(s => Places.Rank(s, subject, subject, Groups) > 0)
        && Categories.Any(c => c == Vocabulary.Any || Vocabulary.Distance(category, c) >= 0);

    /// <summary>The jurisdictions that a term names: a group's, itself, or none (<c>*</c>, <c>home</c>).</summary>
    public IEnumerable<string> Codes(string term) =>
        Groups.TryGetValue(term, out var group) ? group : Places.IsCode(term) ? [term] : [];
}


/// <summary>One rule. What it leaves out is <c>*</c>.</summary>
/// <param name="Id">The regime's id, a dot, and its own.</param>
/// <param name="Subjects">Whose data.</param>
/// <param name="Categories">Which data, with every kind of it.</param>
/// <param name="Purposes">What for; empty: any.</param>
/// <param name="Destinations">Where to: jurisdictions, groups, <c>home</c>, <c>here</c> or <c>*</c>.</param>
/// <param name="Effect">What it says.</param>
/// <param name="Conditions">Each a set of safeguards of which one must be in place, as bits; all must be met.</param>
/// <param name="When">Only while a counter is within bounds; null: always.</param>
/// <param name="Source">Article and act.</param>
/// <param name="From">The first day.</param>
/// <param name="Until">The first day on which it no longer holds; null: no end is known.</param>
internal sealed record LawRule(
    string Id, IReadOnlyList<string> Subjects, IReadOnlyList<string> Categories, IReadOnlyList<Purpose> Purposes,
    IReadOnlyList<string> Destinations, LawEffect Effect, IReadOnlyList<ulong> Conditions, CounterBound? When,
    string Source, DateOnly From, DateOnly? Until)
{
    /// <summary>Conditions of which none is in place.</summary>
    public IEnumerable<ulong> Unmet(ulong inPlace) => Conditions.Where(c => (c & inPlace) == 0);

    public bool HoldsOn(DateOnly date) => From <= date && (Until is null || date < Until);
}

/// <summary>Holds while a counter is at least one number and below another. A count that is not known is over every
/// number: the stricter rule is taken.</summary>
internal sealed record CounterBound(string Counter, long AtLeast, long? Below)
{
    public bool Holds(long? count) => count is { } known
        ? known >= AtLeast && (Below is null || known < Below)
        : Below is null;
}

/// <summary>
/// What must hold in every state: nothing of this goes there, unless at least one of these safeguards is in place.
/// </summary>
internal sealed record Invariant(
    string Id, string Says, IReadOnlyList<string> Subjects, IReadOnlyList<string> Categories,
    IReadOnlyList<Purpose> Purposes, IReadOnlyList<string> Destinations, IReadOnlyList<string> Except, ulong Unless,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Groups);

/// <summary>A case of a regime's or a policy's own.</summary>
/// <param name="Name">For people; where it stands when it has none.</param>
/// <param name="Subject">Whose data; empty: as the data class says.</param>
/// <param name="Category">Which data; empty likewise.</param>
/// <param name="DataClass">A class of the policy; empty in a regime's cases.</param>
/// <param name="Purpose">What for.</param>
/// <param name="Destination">A jurisdiction; a region where there is a data class.</param>
/// <param name="Safeguards">In place, in a regime's cases.</param>
/// <param name="Counts">Counters, in a regime's cases.</param>
/// <param name="Date">On which day; null: today.</param>
/// <param name="Effect">What must come out.</param>
/// <param name="Rule">By which rule; null: any.</param>
internal sealed record LawTest(
    string Name, string Subject, string Category, string DataClass, Purpose Purpose, string Destination,
    ulong Safeguards, IReadOnlyDictionary<string, long> Counts, DateOnly? Date, LawEffect Effect, string? Rule);

/// <summary>A safeguard that is in place.</summary>
/// <param name="Kinds">As bits; more than one: a bundle that was agreed together.</param>
/// <param name="Subjects">Whose data: jurisdictions.</param>
/// <param name="Categories">Which data.</param>
/// <param name="Destinations">Where to: jurisdictions; never <c>*</c>.</param>
/// <param name="Reference">Where it is written.</param>
/// <param name="From">The first day.</param>
/// <param name="Until">The first day on which it no longer holds; null: no end.</param>
internal sealed record Safeguard(
    ulong Kinds, IReadOnlyList<string> Subjects, IReadOnlyList<string> Categories, IReadOnlyList<string> Destinations,
    string Reference, DateOnly From, DateOnly? Until)
{
    public bool Covers(string subject, string category, string destination, DateOnly date) =>
        From <= date && (Until is null || date < Until)
        && Subjects.Any(s => Places.IsWithin(subject, s))
        && Destinations.Any(d => Places.IsWithin(destination, d))
        && Categories.Any(c => Vocabulary.Distance(category, c) >= 0);
}

/// <summary>A count as it was taken.</summary>
/// <param name="Value">0 or more.</param>
/// <param name="AsOf">When. After <see cref="DaysMax"/> days it is not known any more.</param>
internal sealed record Count(long Value, DateOnly AsOf)
{
    /// <summary>Days for which a count is taken as still true: 31.</summary>
    public const int DaysMax = 31;

    public long? On(DateOnly date) => date <= AsOf.AddDays(DaysMax) ? Value : null;
}
