using System.ComponentModel.DataAnnotations;
using Lepton.Routing.Scaling.Hpa;

namespace Lepton.Routing.Scaling;

/// <summary>How the region's capacity follows its load (E1 to E4). Section <c>Routing:Scaling</c>.</summary>
internal sealed class ScalingOptions
{
    public const string Section = "Routing:Scaling";

    /// <summary>Decide at all. Default false: nodes are as many as somebody started.</summary>
    public bool Enabled { get; set; }

    /// <summary>How often signals are read and urgent need is looked for. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:01:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the ordinary decision is made. Default 15 s, as the HPA's.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:10:00")]
    public TimeSpan Period { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>After the router's start nothing is decided for that long: nodes need it to report. Default
    /// 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan SettleTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Mean use of the processors that is aimed at, 0.05 to 1. Default 0.8; 0: not looked at.</summary>
    [Range(0.0, 1.0)]
    public double CpuTarget { get; set; } = 0.8;

    /// <summary>Mean use of the busiest GPU that is aimed at, 0.05 to 1. Default 0.8; 0: not looked at.</summary>
    [Range(0.0, 1.0)]
    public double GpuTarget { get; set; } = 0.8;

    /// <summary>The 99th percentile of a request's time that is promised, for models without their own. Default
    /// 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan Slo { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Part of the promise that the ordinary decision aims at, so that the urgent one is rare. Default
    /// 0.8.</summary>
    [Range(0.1, 1.0)]
    public double SloShare { get; set; } = 0.8;

    /// <summary>How much longer than the mean the 99th percentile of an execution is. Default 3.</summary>
    [Range(1.0, 100.0)]
    public double TailFactor { get; set; } = 3;

    /// <summary>What waits shall be gone within this; longer: urgent. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "01:00:00")]
    public TimeSpan QueueWaitMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time constant of the means that ordinary decisions rest on. Default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Memory { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The highest need of this time is kept before nodes leave. Default 2 min: urgent need is served
    /// within a second, so that less has to be kept in hand than the HPA's 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DownWindow { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>The lowest need of this time is what ordinary scale-out goes by. Default 0.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan UpWindow { get; set; }

    /// <summary>Nodes that may leave within <see cref="DownPeriod"/>. Default 4.</summary>
    [Range(1, 1000)]
    public int DownNodes { get; set; } = 4;

    /// <summary>See <see cref="DownNodes"/>. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan DownPeriod { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How far from its target a ratio may be without a change. Default 0.1, as the HPA's.</summary>
    [Range(0.0, 1.0)]
    public double Tolerance { get; set; } = 0.1;

    /// <summary>A node that was drained and still has work after this is stopped no sooner; it is said. Default
    /// 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan DrainMax { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>A started node that has not reported by then counts as not coming. Default 2 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan StartMax { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Deadline of one call of a provider. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan ProviderTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Observed use that size recommendations rest on (E2): half of it at least. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan SizingWindow { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Part of a recommended size that stays free, 0 to 0.9. Default 0.25.</summary>
    [Range(0.0, 0.9)]
    public double SizingHeadroom { get; set; } = 0.25;

    /// <summary>The pools that are scaled, one a tier. At least one when enabled.</summary>
    public IList<PoolOptions> Pools { get; set; } = [];

    /// <summary>Models with a promise of their own, or none.</summary>
    public IList<ModelOptions> Models { get; set; } = [];

    /// <summary>Aspire's resource service, for pools of provider <c>aspire</c>.</summary>
    public Providers.AspireOptions Aspire { get; set; } = new();

    /// <summary>The cluster, for pools of provider <c>kubernetes</c>.</summary>
    public Providers.KubernetesOptions Kubernetes { get; set; } = new();

    /// <summary>The behaviour in the HPA's words: up as its default, down by our options.</summary>
    public HpaBehavior ToBehavior() => new(
        HpaBehavior.Default.Up with { Window = UpWindow, Tolerance = Tolerance },
        new ScalingRules
        {
            Window = DownWindow, Tolerance = Tolerance,
            Policies = [new ScalingPolicy(PolicyKind.Pods, DownNodes, DownPeriod)],
        });

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(ScalingOptions options)
    {
        if (options.Enabled && options.Pools.Count == 0)
            yield return $"{Section}:Pools takes at least one entry when {Section}:Enabled is true.";
        if (options.Pools.Select(p => p.Tier).Distinct().Count() != options.Pools.Count)
            yield return $"{Section}:Pools takes each tier once.";
        if (options.Models.Select(m => m.Model).Distinct().Count() != options.Models.Count)
            yield return $"{Section}:Models takes each model once.";
        for (int i = 0; i < options.Pools.Count; i++)
            if (options.Pools[i].NodesMax < options.Pools[i].NodesMin)
                yield return $"{Section}:Pools:{i}:NodesMax takes a number no less than NodesMin.";
        if (options.Pools.Any(p => p.Provider == "aspire"))
            foreach (string fault in Providers.AspireOptions.Faults(options.Aspire))
                yield return fault;
        if (options.Pools.Any(p => p.Provider == "kubernetes"))
            foreach (string fault in Providers.KubernetesOptions.Faults(options.Kubernetes))
                yield return fault;
    }

    /// <summary>The nodes of one tier in this region.</summary>
    internal sealed class PoolOptions
    {
        /// <summary>core or edge. Required, once.</summary>
        [RegularExpression("core|edge", ErrorMessage = "core or edge")]
        [Required(ErrorMessage = "core or edge")]
        public string Tier { get; set; } = "";

        /// <summary>Who starts and stops nodes: aspire, kubernetes, or none (decisions are shown and served to KEDA).
        /// Default none.</summary>
        [RegularExpression("none|aspire|kubernetes", ErrorMessage = "none, aspire or kubernetes")]
        public string Provider { get; set; } = "none";

        /// <summary>Fewest nodes. Default 1.</summary>
        [Range(1, 10_000)]
        public int NodesMin { get; set; } = 1;

        /// <summary>Most nodes. Default 10.</summary>
        [Range(1, 10_000)]
        public int NodesMax { get; set; } = 10;

        /// <summary>What a node costs in an hour, for the guard's estimate; in millionths of a US dollar. Default
        /// 0: not known.</summary>
        [Range(0L, 1_000_000_000_000L)]
        public long NodeHourUsdMicros { get; set; }
    }

    /// <summary>What one model is promised.</summary>
    internal sealed class ModelOptions
    {
        /// <summary>The model's name. Required, once.</summary>
        [Required(ErrorMessage = "a model's name")]
        public string Model { get; set; } = "";

        /// <summary>realtime or batch: batch has no promise and is never urgent. Default realtime.</summary>
        [RegularExpression("realtime|batch", ErrorMessage = "realtime or batch")]
        public string Class { get; set; } = "realtime";

        /// <summary>The 99th percentile of a request's time. Default: <see cref="ScalingOptions.Slo"/>.</summary>
        [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
        public TimeSpan? Slo { get; set; }
    }
}
