namespace Lepton.Compliance.Client.Law;

/// <summary>
/// The rules walked one by one: what the compiled table must agree with, and what cases and checks ask about states
/// that are not in force.
/// </summary>
/// <param name="Regimes">In force, by id.</param>
/// <param name="Date">The day.</param>
/// <param name="CountOf">A counter's value; null: not known.</param>
internal sealed record LawState(IReadOnlyList<Regime> Regimes, DateOnly Date, Func<string, long?> CountOf)
{
    /// <summary>What all regimes say together.</summary>
    /// <param name="query">The transfer.</param>
    /// <param name="inPlace">Safeguards in place for it, as bits.</param>
    /// <param name="version">The policy's.</param>
    public LawAnswer Decide(LawQuery query, ulong inPlace, long version)
    {
        List<LawFinding> findings = [];
        foreach (var regime in Regimes)
            if (regime.Covers(query.Subject, query.Category))
                findings.Add(LawFinding.Of(regime, Choose(regime, query), inPlace));
        return LawFinding.Join(findings, version);
    }

    /// <summary>
    /// The regime's rule for a transfer: of those that cover it the one with the most specific category, then
    /// destination, subject and purpose; then deny before allow, more conditions before fewer, and the id's order.
    /// </summary>
    public LawRule? Choose(Regime regime, LawQuery query)
    {
        LawRule? best = null;
        var bestRank = 0;
        foreach (var rule in regime.Rules)
        {
            var rank = RankOf(regime, rule, query);
            if (rank > 0 && (rank > bestRank || (rank == bestRank && IsBefore(rule, best))))
                (best, bestRank) = (rule, rank);
        }
        return best;
    }

    private int RankOf(Regime regime, LawRule rule, LawQuery query)
    {
        if (!rule.HoldsOn(Date) || (rule.When is { } when && !when.Holds(CountOf(when.Counter))))
            return 0;
        return RuleRank.Combine(
            RuleRank.OfCategory(rule, query.Category),
            Places.Rank(rule.Destinations, query.Destination, query.Subject, regime.Groups),
            Places.Rank(rule.Subjects, query.Subject, query.Subject, regime.Groups),
            RuleRank.OfPurpose(rule, query.Purpose));
    }

    internal static bool IsBefore(LawRule rule, LawRule? other) => other is null
        || (rule.Effect != other.Effect ? rule.Effect == LawEffect.Deny
            : rule.Conditions.Count != other.Conditions.Count ? rule.Conditions.Count > other.Conditions.Count
            : string.CompareOrdinal(rule.Id, other.Id) < 0);
}

/// <summary>A transfer: whose data, which, what for, where to.</summary>
internal sealed record LawQuery(string Subject, string Category, Purpose Purpose, string Destination);

/// <summary>How specific a rule is about something; 0: it does not cover it.</summary>
internal static class RuleRank
{
    private const int Kinds = 8;

    public static int OfCategory(LawRule rule, string category)
    {
        var best = 0;
        foreach (var named in rule.Categories)
        {
            var rank = named == Vocabulary.Any ? 1
                : Vocabulary.Distance(category, named) is >= 0 and var distance ? Kinds - distance : 0;
            best = Math.Max(best, rank);
        }
        return best;
    }

    public static int OfPurpose(LawRule rule, Purpose purpose) =>
        rule.Purposes.Count == 0 ? 1 : rule.Purposes.Contains(purpose) ? 2 : 0;

    /// <summary>In the order in which they count.</summary>
    public static int Combine(int category, int destination, int subject, int purpose) =>
        category == 0 || destination == 0 || subject == 0 || purpose == 0 ? 0
            : (category << 12) | (destination << 8) | (subject << 4) | purpose;
}
