namespace Lepton.Routing.Scaling.Hpa;

/// <summary>What came out, and what on the way to it.</summary>
/// <param name="Current">Replicas when it was asked.</param>
/// <param name="Proposed">What the metrics ask for.</param>
/// <param name="Stabilized">Of that, what the windows leave.</param>
/// <param name="Desired">Of that, what policies and bounds leave.</param>
/// <param name="Why">The metric or the bound that decided, for people.</param>
internal readonly record struct HpaDecision(int Current, int Proposed, int Stabilized, int Desired, string Why);

/// <summary>
/// HPA's control loop without Kubernetes: formula, several metrics, windows, rate policies, bounds (kubernetes.io,
/// Horizontal Pod Autoscaling; API autoscaling/v2). Asked every period; keeps what the windows need. Not thread-safe.
/// </summary>
/// <param name="replicasMin">At least 1.</param>
/// <param name="replicasMax">At least the minimum.</param>
internal sealed class HpaController(HpaBehavior behavior, int replicasMin, int replicasMax, TimeProvider time)
{
    private readonly ScaleHistory _recommended = new(Longer(behavior.Up.Window, behavior.Down.Window), time);
    private readonly ScaleHistory _added = new(LongestPeriod(behavior.Up), time);
    private readonly ScaleHistory _removed = new(LongestPeriod(behavior.Down), time);

    /// <param name="current">Replicas that are asked for now; 0: scaling is off.</param>
    /// <param name="ready">Of them, those that take work.</param>
    public HpaDecision Decide(int current, int ready, IReadOnlyList<HpaMetric> metrics)
    {
        if (current == 0)
            return new HpaDecision(0, 0, 0, 0, "off: 0 replicas");
        if (current > replicasMax)
            return new HpaDecision(current, replicasMax, replicasMax, replicasMax, "more than the maximum");
        if (current < replicasMin)
            return new HpaDecision(current, replicasMin, replicasMin, replicasMin, "fewer than the minimum");
        (int proposed, string why) = Propose(current, ready, metrics);
        int stabilized = Stabilize(current, proposed);
        int desired = Limit(current, stabilized);
        if (stabilized != proposed)
            why += ", held by the window";
        if (desired != stabilized)
            why += ", limited by policy or bounds";
        return new HpaDecision(current, proposed, stabilized, desired, why);
    }

    /// <summary>Somebody else's recommendation, which the window down counts as its own.</summary>
    public void Recommend(int replicas) => _recommended.Add(replicas);

    /// <summary>The scale was changed: rate policies count it.</summary>
    public void Scaled(int from, int to)
    {
        if (to > from)
            _added.Add(to - from);
        else if (to < from)
            _removed.Add(from - to);
    }

    // The greatest counts; while one is not to be had, the others may raise and may not lower.
    private (int, string) Propose(int current, int ready, IReadOnlyList<HpaMetric> metrics)
    {
        (int? most, string why, string? lacking) = (null, "no metric", null);
        foreach (HpaMetric metric in metrics)
            if (HpaFormula.Propose(metric, current, ready, behavior) is not { } proposed)
                lacking = metric.Name;
            else if (most is null || proposed > most)
                (most, why) = (proposed, metric.Name);
        if (lacking is not null && !(most > current))
            return (current, $"{lacking} is not to be had");
        return (most ?? current, why);
    }

    // Up by the lowest, down by the highest of the window; in between nothing happens.
    private int Stabilize(int current, int proposed)
    {
        int up = _recommended.Within(behavior.Up.Window).Append(proposed).Min();
        int down = _recommended.Within(behavior.Down.Window).Append(proposed).Max();
        _recommended.Add(proposed);
        return Math.Min(Math.Max(current, up), Math.Max(down, up));
    }

    private int Limit(int current, int wanted)
    {
        int most = Math.Max(current, ScaleUpLimit(current));
        int least = Math.Min(current, ScaleDownLimit(current));
        return Math.Clamp(wanted, Math.Max(replicasMin, least), Math.Min(replicasMax, most));
    }

    private int ScaleUpLimit(int current)
    {
        if (behavior.Up.Select == SelectPolicy.Disabled)
            return current;
        IEnumerable<int> limits = behavior.Up.Policies.Select(policy =>
        {
            int atStart = current - _added.Within(policy.Period).Sum() + _removed.Within(policy.Period).Sum();
            return policy.Kind == PolicyKind.Pods
                ? atStart + policy.Value
                : (int)Math.Ceiling((atStart * (100.0 + policy.Value) / 100) - 1e-9);
        });
        return behavior.Up.Select == SelectPolicy.Max ? limits.Max() : limits.Min();
    }

    // What may go is rounded up: 10 % of 72 are 8.
    private int ScaleDownLimit(int current)
    {
        if (behavior.Down.Select == SelectPolicy.Disabled)
            return current;
        IEnumerable<int> limits = behavior.Down.Policies.Select(policy =>
        {
            int atStart = current - _added.Within(policy.Period).Sum() + _removed.Within(policy.Period).Sum();
            return policy.Kind == PolicyKind.Pods
                ? atStart - policy.Value
                : (int)Math.Floor((atStart * (100.0 - policy.Value) / 100) + 1e-9);
        });
        return behavior.Down.Select == SelectPolicy.Max ? limits.Min() : limits.Max();
    }

    private static TimeSpan LongestPeriod(ScalingRules rules) =>
        rules.Policies.Select(p => p.Period).DefaultIfEmpty().Max();

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
