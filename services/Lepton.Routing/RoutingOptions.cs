using System.ComponentModel.DataAnnotations;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Draining;
using Lepton.Routing.Health;
using Lepton.Routing.Resilience;
using Lepton.Routing.Tenants;

namespace Lepton.Routing;

/// <summary>
/// What a router is told. Section <c>Routing</c>. A bad value stops the start with its name and what it takes.
/// </summary>
internal sealed partial class RoutingOptions
{
    public const string Section = "Routing";

    /// <summary>The certificate that signs hop assertions, PEM. Required.</summary>
    [Required(ErrorMessage = "the path of the hop signing certificate (PEM)")]
    public string HopCertificateFile { get; set; } = "";

    /// <summary>Its private key, PEM. Required.</summary>
    [Required(ErrorMessage = "the path of the hop signing certificate's key (PEM)")]
    public string HopKeyFile { get; set; } = "";

    /// <summary>Folder of the decision log's segments; made when absent. Required.</summary>
    [Required(ErrorMessage = "the path of a folder for decision segments")]
    public string DecisionDirectory { get; set; } = "";

    /// <summary>Every region of the topology, the own one too.</summary>
    [MinLength(1, ErrorMessage = "one entry a region: Name and Url, or Name and Routers")]
    public IList<RegionOptions> Regions { get; set; } = [];

    /// <summary>
    /// This router's own name among its region's <c>Routers</c>. Default: the only one; required beside a sibling.
    /// </summary>
    public string Router { get; set; } = "";

    /// <summary>
    /// Models whose nodes another strategy picks where a request asks for none. Default: none, guarded for all.
    /// </summary>
    public IList<ModelStrategyOptions> ModelStrategies { get; set; } = [];

    /// <summary>Silence after which a node is tried last. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan SuspectAfter { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Silence after which a node is out. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan OutAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a node that is out stays listed. Default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan ForgetAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often nodes shall report and regions exchange summaries. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:01:00")]
    public TimeSpan ReportInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Age beyond which another region's summary no longer makes it a candidate. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan SummaryAgeMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Nodes of one region. Default 10,000.</summary>
    [Range(1, 100_000)]
    public int NodesMax { get; set; } = 10_000;

    /// <summary>Largest request message in bytes. Default 64 MiB.</summary>
    [Range(1024, 1 << 30)]
    public int MessageBytesMax { get; set; } = 64 << 20;

    /// <summary>Deadline of a unary call that brings none. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00")]
    public TimeSpan DeadlineDefault { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest deadline; a later one is brought forward. Streams without one get it. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "7.00:00:00")]
    public TimeSpan DeadlineMax { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Places that one request is tried at. Default 3.</summary>
    [Range(1, 10)]
    public int AttemptsMax { get; set; } = 3;

    /// <summary>How the router leaves service.</summary>
    public DrainOptions Drain { get; set; } = new();

    /// <summary>Second attempts and what they may cost.</summary>
    public RetryOptions Retries { get; set; } = new();

    /// <summary>A second attempt beside a slow first.</summary>
    public HedgeOptions Hedging { get; set; } = new();

    /// <summary>Requests that wait for a model which is being loaded.</summary>
    public HoldOptions Hold { get; set; } = new();

    /// <summary>How the region's routers keep tenants' quotas together.</summary>
    public QuotaOptions Quotas { get; set; } = new();

    /// <summary>How much may be under way, wait and be held.</summary>
    public LimitOptions Limits { get; set; } = new();

    /// <summary>What of a deadline is kept for the way.</summary>
    public DeadlineOptions Deadlines { get; set; } = new();

    /// <summary>Bytes of one decision segment before the next one starts. Default 8 MiB.</summary>
    [Range(4096, 1 << 30)]
    public int SegmentBytesMax { get; set; } = 8 << 20;

    /// <summary>Bytes of all decision segments; the oldest go first. Default 1 GiB.</summary>
    [Range(8192L, 1L << 40)]
    public long DecisionBytesMax { get; set; } = 1L << 30;

    /// <summary>Age beyond which a segment is deleted. Default 30 d.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00")]
    public TimeSpan DecisionAgeMax { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Latest decisions kept in memory, and decisions that may wait for the disk. Default 4,096.</summary>
    [Range(16, 1_000_000)]
    public int RecentDecisionsMax { get; set; } = 4096;

    /// <summary>Outliers among the places.</summary>
    public EjectionOptions Ejection { get; set; } = new();

    /// <summary>The circuit of each model at each place.</summary>
    public CircuitOptions Circuit { get; set; } = new();

    /// <summary>What failures add to the learned service time.</summary>
    public PenaltyOptions Penalty { get; set; } = new();

    /// <summary>Places that are new or back from an ejection.</summary>
    public SlowStartOptions SlowStart { get; set; } = new();

    /// <summary>A model and who picks its nodes.</summary>
    internal sealed class ModelStrategyOptions
    {
        /// <summary>The model's name. Required, once.</summary>
        public string Model { get; set; } = "";

        /// <summary>One of the names that x-lepton-strategy takes. Required.</summary>
        public string Strategy { get; set; } = "";
    }
}

/// <summary>What attributes cannot say.</summary>
internal static class RoutingRules
{
    public static IEnumerable<string> FaultsOf(RoutingOptions options)
    {
        List<string> faults = [];
        for (int i = 0; i < options.Regions.Count; i++)
            options.Regions[i].Check($"Routing:Regions:{i}", faults);
        if (options.Regions.GroupBy(r => r.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            faults.Add($"Routing:Regions names {twice.Key} more than once.");
        if (faults.Count == 0 && options.Regions.SelectMany(r => r.ToSite().Routers).GroupBy(r => r.Name)
            .FirstOrDefault(g => g.Count() > 1) is { } router)
            faults.Add($"Routing:Regions:N:Routers names {router.Key} more than once.");
        CheckModelStrategies(options.ModelStrategies, faults);
        if (options.OutAfter <= options.SuspectAfter)
            faults.Add("Routing:OutAfter takes a time longer than Routing:SuspectAfter.");
        if (options.DeadlineMax < options.DeadlineDefault)
            faults.Add("Routing:DeadlineMax takes a time no shorter than Routing:DeadlineDefault.");
        if (options.DecisionBytesMax < 2L * options.SegmentBytesMax)
            faults.Add("Routing:DecisionBytesMax takes at least two segments (Routing:SegmentBytesMax).");
        if (options.Ejection.TimeMax < options.Ejection.TimeMin)
            faults.Add("Routing:Ejection:TimeMax takes a time no shorter than Routing:Ejection:TimeMin.");
        if (options.Circuit.OpenMax < options.Circuit.OpenMin)
            faults.Add("Routing:Circuit:OpenMax takes a time no shorter than Routing:Circuit:OpenMin.");
        if (options.Limits.PlaceMax < options.Limits.PlaceMin)
            faults.Add("Routing:Limits:PlaceMax takes a number no less than Routing:Limits:PlaceMin.");
        if (options.Deadlines.AllowanceMax < options.Deadlines.AllowanceMin)
            faults.Add("Routing:Deadlines:AllowanceMax takes a time no shorter than Routing:Deadlines:AllowanceMin.");
        return faults;
    }

    private static void CheckModelStrategies(
        IList<RoutingOptions.ModelStrategyOptions> models, List<string> faults)
    {
        for (int i = 0; i < models.Count; i++)
        {
            if (string.IsNullOrEmpty(models[i].Model))
                faults.Add($"Routing:ModelStrategies:{i}:Model takes a model's name.");
            if (!StrategyCatalogue.ByName.ContainsKey(models[i].Strategy ?? ""))
                faults.Add($"Routing:ModelStrategies:{i}:Strategy takes one of {StrategyCatalogue.Names}.");
        }
        if (models.GroupBy(m => m.Model).FirstOrDefault(g => g.Count() > 1) is { } twice)
            faults.Add($"Routing:ModelStrategies names {twice.Key} more than once.");
    }
}
