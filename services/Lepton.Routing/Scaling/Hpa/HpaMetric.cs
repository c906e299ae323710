namespace Lepton.Routing.Scaling.Hpa;

/// <summary>One replica's part of a metric.</summary>
/// <param name="Value">In the metric's unit; null: it has none.</param>
/// <param name="Ready">False: it has just begun, and what it uses says nothing of the load yet.</param>
internal readonly record struct ReplicaSample(double? Value, bool Ready = true);

/// <summary>A metric and what it shall be, as autoscaling/v2 knows them.</summary>
/// <param name="Name">For people.</param>
/// <param name="Target">What it shall be, above 0, in the metric's unit.</param>
internal abstract record HpaMetric(string Name, double Target)
{
    /// <summary>
    /// Measured at each replica, its mean held at the target: types Resource and Pods. Replicas that are going or have
    /// failed are left out by whoever makes the samples.
    /// </summary>
    internal sealed record Each(string Name, double Target, IReadOnlyList<ReplicaSample> Samples)
        : HpaMetric(Name, Target);

    /// <summary>One number for all, divided by the replicas (AverageValue of Object and External).</summary>
    /// <param name="Value">Null: not to be had.</param>
    internal sealed record Total(string Name, double Target, double? Value) : HpaMetric(Name, Target);

    /// <summary>One number that is held at the target itself (Value of Object and External).</summary>
    /// <param name="Value">Null: not to be had.</param>
    internal sealed record Whole(string Name, double Target, double? Value) : HpaMetric(Name, Target);
}
