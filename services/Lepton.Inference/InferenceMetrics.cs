using System.Diagnostics;
using System.Diagnostics.Metrics;
using Lepton.Inference.Execution;

namespace Lepton.Inference;

/// <summary>The service's spans and metrics; the README lists them.</summary>
internal sealed class InferenceMetrics
{
    public const string Name = "Lepton.Inference";
    private static readonly ActivitySource Source = new(Name);
    private readonly Meter _meter;
    private readonly Histogram<double> _requestDuration;
    private readonly Histogram<double> _queueDuration;
    private readonly Histogram<double> _executionDuration;
    private readonly Counter<long> _fallbacks;
    private readonly Counter<long> _admitted;

    public InferenceMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _requestDuration = meter.CreateHistogram<double>("lepton.inference.request.duration", "s",
            "From a request's arrival to its answer.");
        _queueDuration = meter.CreateHistogram<double>(
            "lepton.inference.queue.duration", "s", "Wait in a model's queue.");
        _executionDuration = meter.CreateHistogram<double>("lepton.inference.execution.duration", "s",
            "One execution of a model.");
        _fallbacks = meter.CreateCounter<long>("lepton.inference.provider.fallbacks", "{model}",
            "Loads of a model that asked for CUDA and got the CPU.");
        _admitted = meter.CreateCounter<long>("lepton.inference.requests.admitted", "{request}",
            "Inference calls that this node took to process, by data class.");
        _meter = meter;
    }

    public static Activity? StartRequest(string model, string version)
    {
        var activity = Source.StartActivity("Inference.Infer");
        activity?.SetTag("lepton.model", model);
        activity?.SetTag("lepton.model.version", version);
        return activity;
    }

    public static Activity? StartExecution(ServedModel model)
    {
        var activity = Source.StartActivity("Inference.Execute");
        activity?.SetTag("lepton.model", model.Identity.Name);
        activity?.SetTag("lepton.model.version", model.Identity.Version);
        activity?.SetTag("lepton.provider", model.Provider);
        return activity;
    }

    public void Executed(ServedModel model, ExecutionClock clock)
    {
        var tags = Tags(model);
        _queueDuration.Record(clock.Between(clock.Enqueued, clock.Started).TotalSeconds, tags);
        _executionDuration.Record(clock.Between(clock.Started, clock.Ended).TotalSeconds, tags);
    }

    /// <summary>This is a spot node: counts how long, and its interruptions.</summary>
    /// <param name="seconds">Since the node's start.</param>
    public Counter<long> Spot(Func<double> seconds)
    {
        _meter.CreateObservableCounter("lepton.inference.spot.time", seconds, "s",
            "How long this node has run on capacity that may be taken back.");
        return _meter.CreateCounter<long>("lepton.inference.spot.interruptions", "{interruption}",
            "Notices that this node will be taken back.");
    }

    /// <param name="outcome"><c>ok</c> or the error's reason.</param>
    public void Answered(string model, TimeSpan duration, string outcome) =>
        _requestDuration.Record(duration.TotalSeconds, new("lepton.model", model), new("lepton.outcome", outcome));

    /// <summary>Shows what waits and what runs, a value for each model that <paramref name="models"/> names.</summary>
    public void Observe(Func<IEnumerable<ServedModel>> models)
    {
        _meter.CreateObservableGauge("lepton.inference.requests.queued",
            () => models().Select(m => new Measurement<int>(m.Queued, Tags(m))), "{request}", "Requests that wait.");
        _meter.CreateObservableGauge("lepton.inference.requests.running",
            () => models().Select(m => new Measurement<int>(m.Running, Tags(m))), "{request}", "Requests that run.");
    }

    /// <summary>What residency is proved by: counted where the data is, whatever anybody else says.</summary>
    public void Admitted(string dataClass) =>
        _admitted.Add(1, new KeyValuePair<string, object?>("lepton.data_class", dataClass));

    public void FellBack(string model) => _fallbacks.Add(1, new KeyValuePair<string, object?>("lepton.model", model));

    private static TagList Tags(ServedModel model) => new()
    {
        { "lepton.model", model.Identity.Name },
        { "lepton.provider", model.Provider },
    };
}
