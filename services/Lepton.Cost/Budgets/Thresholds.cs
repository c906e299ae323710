namespace Lepton.Cost.Budgets;

/// <summary>What a threshold is compared with.</summary>
internal enum ThresholdBasis
{
    /// <summary>What is spent and reserved.</summary>
    Actual,

    /// <summary>What the month will come to.</summary>
    Forecast,
}

/// <summary>What is on while a threshold is exceeded.</summary>
internal enum BudgetAction
{
    /// <summary>Tells people: event, log, metric, webhook.</summary>
    Alert,

    /// <summary>Refuses scale-out that is not urgent (E4).</summary>
    Guard,

    /// <summary>Starts no batch task.</summary>
    PauseBatch,

    /// <summary>New nodes only from spot capacity.</summary>
    SpotOnly,
}

/// <summary>A threshold with hysteresis: on at one mark or above, off below a lower one.</summary>
/// <param name="Name">Unique within the budget.</param>
/// <param name="Basis">What is compared.</param>
/// <param name="Action">What it does.</param>
/// <param name="OnBasisPoints">Hundredths of a percent of the limit, 1 to 100,000: on at this or more.</param>
/// <param name="OffBasisPoints">Off below this; less than <paramref name="OnBasisPoints"/>.</param>
internal sealed record ThresholdRule(
    string Name, ThresholdBasis Basis, BudgetAction Action, int OnBasisPoints, int OffBasisPoints)
{
    /// <summary>Rules of one budget.</summary>
    public const int RulesMax = 32;

    /// <summary>
    /// Alerts at 80 % spent and at 100 % foreseen, the guard at 90 % spent or 100 % foreseen, batch and on-demand nodes
    /// stop at 95 %; each goes off five points lower.
    /// </summary>
    public static IReadOnlyList<ThresholdRule> Default { get; } =
    [
        new("alert-actual", ThresholdBasis.Actual, BudgetAction.Alert, 8_000, 7_500),
        new("alert-forecast", ThresholdBasis.Forecast, BudgetAction.Alert, 10_000, 9_500),
        new("guard-actual", ThresholdBasis.Actual, BudgetAction.Guard, 9_000, 8_500),
        new("guard-forecast", ThresholdBasis.Forecast, BudgetAction.Guard, 10_000, 9_500),
        new("spot-only", ThresholdBasis.Actual, BudgetAction.SpotOnly, 9_500, 9_000),
        new("pause-batch", ThresholdBasis.Actual, BudgetAction.PauseBatch, 9_500, 9_000),
    ];

    /// <summary>What is wrong with it, naming the field; null: nothing.</summary>
    public string? Fault => Name.Length is 0 or > 64 ? "name takes 1 to 64 characters"
        : OnBasisPoints is < 1 or > 100_000 ? "onBasisPoints takes 1 to 100000"
        : OffBasisPoints < 0 || OffBasisPoints >= OnBasisPoints ? "offBasisPoints takes 0 or more, below onBasisPoints"
        : null;
}

/// <summary>A rule went on or off.</summary>
/// <param name="Rule">Which.</param>
/// <param name="IsOn">On.</param>
/// <param name="SpentMicros">The value that did it.</param>
/// <param name="LimitMicros">The limit then.</param>
internal sealed record ThresholdChange(ThresholdRule Rule, bool IsOn, long SpentMicros, long LimitMicros);

/// <summary>Which of a budget's thresholds are on. Remembers only that; what it decides follows from it.</summary>
internal sealed class Thresholds
{
    private readonly IReadOnlyList<ThresholdRule> _rules;
    private readonly HashSet<ThresholdRule> _on = [];

    /// <param name="rules">1 to 32 without fault.</param>
    public Thresholds(IReadOnlyList<ThresholdRule> rules)
    {
        if (rules.Select(r => r.Fault).FirstOrDefault(f => f is not null) is { } fault)
            throw new FormatException($"thresholds: {fault}");
        if (rules.Count is 0 or > ThresholdRule.RulesMax || rules.DistinctBy(r => r.Name).Count() != rules.Count)
            throw new FormatException($"thresholds: takes 1 to {ThresholdRule.RulesMax} rules, each name once");
        _rules = rules;
    }

    /// <summary>Is an action on, by any rule?</summary>
    public bool IsOn(BudgetAction action) => _on.Any(rule => rule.Action == action);

    /// <summary>May nodes be added? Urgent always (E4): what is urgent the SLO rule says, never who asks.</summary>
    public bool AllowsScaleOut(bool urgent) => urgent || !IsOn(BudgetAction.Guard);

    /// <summary>Compares.</summary>
    /// <param name="actualMicros">Spent and reserved, all regions.</param>
    /// <param name="forecastMicros">What the month will come to; null: not known, its rules stay as they are.</param>
    /// <param name="limitMicros">The limit, overrides included; at 0 everything is on.</param>
    /// <returns>What changed.</returns>
    public IReadOnlyList<ThresholdChange> Evaluate(long actualMicros, long? forecastMicros, long limitMicros)
    {
        List<ThresholdChange> changes = [];
        foreach (var rule in _rules)
        {
            if ((rule.Basis == ThresholdBasis.Actual ? actualMicros : forecastMicros) is not { } value)
                continue;
            var wasOn = _on.Contains(rule);
            var mark = wasOn ? rule.OffBasisPoints : rule.OnBasisPoints;
            // >= at every level: at the mark it is on.
            var isOn = (Int128)value * 10_000 >= (Int128)limitMicros * mark;
            if (isOn == wasOn)
                continue;
            _ = isOn ? _on.Add(rule) : _on.Remove(rule);
            changes.Add(new ThresholdChange(rule, isOn, value, limitMicros));
        }
        return changes;
    }

    /// <summary>A new period began: nothing is spent. What was on goes off, and says so.</summary>
    public IReadOnlyList<ThresholdChange> RollOver(long limitMicros)
    {
        ThresholdChange[] changes = [.. _rules.Where(_on.Contains)
            .Select(rule => new ThresholdChange(rule, false, 0, limitMicros))];
        _on.Clear();
        return changes;
    }
}
