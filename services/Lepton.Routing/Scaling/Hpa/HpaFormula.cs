namespace Lepton.Routing.Scaling.Hpa;

/// <summary>
/// How many replicas one metric asks for, by the rules that kubernetes.io publishes under Horizontal Pod Autoscaling,
/// "Algorithm details": desired = ceil(current × metric ÷ target), nothing within the tolerance; replicas without a
/// value count as 100 % of the target when it goes down and as 0 % when it goes up; those not ready count as 0 % when
/// it goes up; where that turns the direction, nothing changes.
/// </summary>
internal static class HpaFormula
{
    // 100 × 1.1 is 110.00000000000001 in a double, and 1.1 is not within 10 % of 1.
    private const double Rounding = 1e-9;

    /// <param name="metric">Measured now.</param>
    /// <param name="current">Replicas that are asked for now, at least 1.</param>
    /// <param name="ready">Replicas that take work, at most <paramref name="current"/>.</param>
    /// <returns>Replicas; null: the metric is not to be had.</returns>
    public static int? Propose(HpaMetric metric, int current, int ready, HpaBehavior behavior) => metric switch
    {
        HpaMetric.Each each => OfEach(each, current, behavior),
        HpaMetric.Total { Value: { } value } => IsNear(value / (metric.Target * current), behavior)
            ? current
            : Ceiling(value / metric.Target),
        HpaMetric.Whole { Value: { } value } => IsNear(value / metric.Target, behavior)
            ? current
            : Ceiling(value / metric.Target * ready),
        _ => null,
    };

    private static int? OfEach(HpaMetric.Each metric, int current, HpaBehavior behavior)
    {
        (double sum, int counted, int missing, int waiting) = (0, 0, 0, 0);
        foreach (ReplicaSample sample in metric.Samples)
            if (!sample.Ready)
                waiting++;
            else if (sample.Value is { } value)
                (sum, counted) = (sum + value, counted + 1);
            else
                missing++;
        if (counted == 0)
            return null;
        double ratio = sum / counted / metric.Target;
        bool up = ratio > 1;
        if (missing == 0 && !(up && waiting > 0))
            return IsNear(ratio, behavior) ? current : Ceiling(ratio * counted);

        // The cautious second look: nobody scales further by what it does not know.
        if (!up)
            sum += missing * metric.Target;
        int all = counted + missing + (up ? waiting : 0);
        double cautious = sum / all / metric.Target;
        if (IsNear(cautious, behavior) || cautious > 1 != up)
            return current;
        int proposed = Ceiling(cautious * all);
        return proposed > current == up ? proposed : current;
    }

    private static bool IsNear(double ratio, HpaBehavior behavior) =>
        ratio <= 1 + behavior.Up.Tolerance + Rounding && ratio >= 1 - behavior.Down.Tolerance - Rounding;

    private static int Ceiling(double replicas) =>
        (int)Math.Min(Math.Ceiling(replicas - Rounding), int.MaxValue / 2);
}
