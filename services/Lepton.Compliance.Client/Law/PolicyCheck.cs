namespace Lepton.Compliance.Client.Law;

/// <summary>Something for which a policy is not taken.</summary>
/// <param name="Stage"><c>schema</c>, <c>test</c> or <c>invariant</c>.</param>
/// <param name="Name">The field, the case or the invariant.</param>
/// <param name="Message">What is wrong; for an invariant with the state that breaks it.</param>
public sealed record PolicyProblem(string Stage, string Name, string Message);

/// <summary>What came of a check.</summary>
/// <param name="Policy">The policy; null where it does not read.</param>
/// <param name="Problems">None: it may be approved.</param>
/// <param name="Tests">Cases run.</param>
/// <param name="Invariants">Invariants checked.</param>
/// <param name="States">States looked at for them.</param>
public sealed record PolicyReport(
    ResidencyPolicy? Policy, IReadOnlyList<PolicyProblem> Problems, int Tests, int Invariants, long States)
{
    /// <summary>Nothing is wrong.</summary>
    public bool IsGood => Problems.Count == 0;
}

/// <summary>
/// What a policy must pass before it is active anywhere (C3): its form, its own cases, and its invariants over every
/// state. Pure; the same on a desk and in the service.
/// </summary>
public static class PolicyCheck
{
    /// <summary>Checks.</summary>
    /// <param name="json">A policy's document, regimes in it (<see cref="PolicyBundle"/>).</param>
    /// <param name="topology">The regions there are; those that the policy names are added.</param>
    /// <param name="time">Says the day.</param>
    public static PolicyReport Run(ReadOnlyMemory<byte> json, IEnumerable<string> topology, TimeProvider time)
    {
        ResidencyPolicy policy;
        try
        {
            policy = ResidencyPolicy.Parse(json, topology, time);
        }
        catch (ResidencyPolicyException e)
        {
            return new PolicyReport(null, [new PolicyProblem("schema", e.Field, e.Message)], 0, 0, 0);
        }
        return Run(policy);
    }

    /// <summary>Checks one that was read.</summary>
    public static PolicyReport Run(ResidencyPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        List<PolicyProblem> problems = [];
        if (policy.Law is not { } law)
            return new PolicyReport(policy, problems, 0, 0, 0);
        var tests = 0;
        foreach (var regime in law.Regimes)
        {
            tests += regime.Tests.Count;
            problems.AddRange(
                regime.Tests.Select(t => Fault(t, Answer(regime, t, policy.Date))).OfType<PolicyProblem>());
        }
        tests += law.Tests.Count;
        problems.AddRange(law.Tests.Select(t => Fault(t, policy.On(t.Date ?? policy.Date)
            .Explain(t.DataClass, t.Purpose, t.Destination))).OfType<PolicyProblem>());
        InvariantCheck check = new(law, policy.Date,
            policy.DataClasses.SelectMany(c => c.Subjects), policy.Version);
        var invariants = law.Regimes.SelectMany(r => r.Invariants).Concat(law.Invariants).ToList();
        problems.AddRange(invariants.Select(check.Find).OfType<PolicyProblem>());
        return new PolicyReport(policy, problems, tests, invariants.Count, check.States);
    }

    /// <summary>What a regime alone says to a case of its own.</summary>
    private static LawAnswer Answer(Regime regime, LawTest test, DateOnly today) =>
        new LawState([regime], test.Date ?? today, c => test.Counts.TryGetValue(c, out var n) ? n : null)
            .Decide(new LawQuery(test.Subject, test.Category, test.Purpose, test.Destination), test.Safeguards, 0);

    private static PolicyProblem? Fault(LawTest test, LawAnswer? answer)
    {
        if (answer is null)
            return new PolicyProblem("test", test.Name, $"there is no data class {test.DataClass}");
        return answer.Effect == test.Effect && (test.Rule is null || test.Rule == answer.RuleId)
            ? null
            : new PolicyProblem("test", test.Name, $"{Given(test)}: expected {Say(test.Effect, test.Rule)}, got "
                + Say(answer.Effect, answer.RuleId));
    }

    private static string Given(LawTest test) => test.DataClass.Length > 0
        ? $"{test.DataClass}, {Vocabulary.NameOf(test.Purpose)}, {test.Destination}"
        : $"{test.Category} of {test.Subject}, {Vocabulary.NameOf(test.Purpose)}, {test.Destination}";

    private static string Say(LawEffect effect, string? rule) =>
        effect.ToString().ToLowerInvariant() + (rule is null ? "" : $" by {rule}");
}
