namespace Lepton.Compliance.Client.Law;

/// <summary>What the law says of a transfer. Made when a policy is compiled; deciding makes none.</summary>
/// <param name="Effect">Allow only when every regime that covers it allows, and all their conditions are met.</param>
/// <param name="RuleId">
/// The rule that denies, else the first regime's that allows; <c>default</c> where no regime covers it or none of its
/// rules does.
/// </param>
/// <param name="Source">Article and act.</param>
/// <param name="Unmet">Conditions that are not met, each the safeguards of which one is needed.</param>
/// <param name="Relied">Safeguards in place that the answer stands on; their absence would change it.</param>
/// <param name="PolicyVersion">The policy's.</param>
/// <param name="Findings">What each regime says that covers it, by regime.</param>
public sealed record LawAnswer(
    LawEffect Effect, string RuleId, string Source, IReadOnlyList<IReadOnlyList<string>> Unmet,
    IReadOnlyList<string> Relied, long PolicyVersion, IReadOnlyList<LawFinding> Findings)
{
    /// <summary>The id where no regime covers a transfer.</summary>
    public const string NoRegime = "default";

    /// <summary>It may be.</summary>
    public bool IsAllowed => Effect == LawEffect.Allow;
}

/// <summary>What one regime says.</summary>
/// <param name="Regime">Its id.</param>
/// <param name="RuleId">The rule; <c>REGIME.default</c> where none of its rules covers it: denied.</param>
/// <param name="Source">Article and act.</param>
/// <param name="Effect">With its conditions looked at.</param>
/// <param name="Unmet">Conditions not met.</param>
/// <param name="Relied">Safeguards in place that meet its conditions.</param>
public sealed record LawFinding(
    string Regime, string RuleId, string Source, LawEffect Effect, IReadOnlyList<IReadOnlyList<string>> Unmet,
    IReadOnlyList<string> Relied)
{
    internal static LawFinding Of(Regime regime, LawRule? rule, ulong inPlace)
    {
        if (rule is null)
            return new LawFinding(regime.Id, $"{regime.Id}.default", $"{regime.Source}: no rule allows it",
                LawEffect.Deny, [], []);
        if (rule.Effect == LawEffect.Deny)
            return new LawFinding(regime.Id, rule.Id, rule.Source, LawEffect.Deny, [], []);
        IReadOnlyList<string>[] unmet = [.. rule.Unmet(inPlace).Select(Vocabulary.NamesOf)];
        var relied = rule.Conditions.Aggregate(0UL, (all, c) => all | (c & inPlace));
        return new LawFinding(regime.Id, rule.Id, rule.Source, unmet.Length == 0 ? LawEffect.Allow : LawEffect.Deny,
            unmet, Vocabulary.NamesOf(relied));
    }

    /// <summary>All regimes' findings as one answer: one that denies is enough; a rule that denies outright is named
    /// before one that lacks a condition.</summary>
    internal static LawAnswer Join(IReadOnlyList<LawFinding> findings, long version)
    {
        if (findings.Count == 0)
            return new LawAnswer(
                LawEffect.Deny, LawAnswer.NoRegime, "no regime covers it: denied", [], [], version, []);
        var said = findings.FirstOrDefault(f => f.Effect == LawEffect.Deny && f.Unmet.Count == 0)
            ?? findings.FirstOrDefault(f => f.Effect == LawEffect.Deny) ?? findings[0];
        return new LawAnswer(said.Effect, said.RuleId, said.Source, [.. findings.SelectMany(f => f.Unmet)],
            [.. findings.SelectMany(f => f.Relied).Distinct()], version, findings);
    }
}
