namespace Lepton.Routing.Scaling.Hpa;

/// <summary>Which of several policies counts, by what it lets change.</summary>
internal enum SelectPolicy
{
    /// <summary>The one that lets most change.</summary>
    Max,

    /// <summary>The one that lets least change.</summary>
    Min,

    /// <summary>No scaling in this direction.</summary>
    Disabled,
}

/// <summary>What a policy's value counts.</summary>
internal enum PolicyKind
{
    /// <summary>Replicas.</summary>
    Pods,

    /// <summary>Per cent of the replicas at the period's start.</summary>
    Percent,
}

/// <summary>At most so much change within a period.</summary>
/// <param name="Value">Above 0: replicas, or per cent of those at the period's start.</param>
/// <param name="Period">1 s to 30 min, as autoscaling/v2 has it (periodSeconds 1 to 1800).</param>
internal readonly record struct ScalingPolicy(PolicyKind Kind, int Value, TimeSpan Period);

/// <summary>How one direction is scaled: HPAScalingRules of autoscaling/v2.</summary>
internal sealed record ScalingRules
{
    /// <summary>
    /// Up: the lowest recommendation of this time counts; down: the highest. 0 to 1 h (stabilizationWindowSeconds).
    /// </summary>
    public TimeSpan Window { get; init; }

    /// <summary>Default: what lets most change.</summary>
    public SelectPolicy Select { get; init; } = SelectPolicy.Max;

    /// <summary>How far from 1 a ratio may be without a change, at least 0. Default 0.1.</summary>
    public double Tolerance { get; init; } = 0.1;

    /// <summary>At least one, unless disabled.</summary>
    public IReadOnlyList<ScalingPolicy> Policies { get; init; } = [];
}

/// <summary>Both directions: HorizontalPodAutoscalerBehavior of autoscaling/v2.</summary>
internal sealed record HpaBehavior(ScalingRules Up, ScalingRules Down)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Kubernetes' defaults: up without a window by the greater of 100 % and 4 replicas in 15 s; down over a window of
    /// 300 s by 100 % in 15 s (kubernetes.io, Horizontal Pod Autoscaling, "Default behavior").
    /// </summary>
    public static HpaBehavior Default { get; } = new(
        new ScalingRules
        {
            Policies =
            [
                new ScalingPolicy(PolicyKind.Percent, 100, Period), new ScalingPolicy(PolicyKind.Pods, 4, Period),
            ],
        },
        new ScalingRules
        {
            Window = TimeSpan.FromSeconds(300),
            Policies = [new ScalingPolicy(PolicyKind.Percent, 100, Period)],
        });
}
