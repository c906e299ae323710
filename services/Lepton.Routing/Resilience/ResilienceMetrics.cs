using System.Diagnostics.Metrics;

namespace Lepton.Routing.Resilience;

/// <summary>What second attempts, limits and waits did. Names and meanings are listed in README.md.</summary>
internal sealed class ResilienceMetrics
{
    public ResilienceMetrics(IMeterFactory meters, FlowTable flows)
    {
        Meter meter = meters.Create(RoutingMetrics.Name);
        Retries = meter.CreateCounter<long>("lepton.routing.retries", "{attempt}",
            "Attempts that followed a failed one, by how that failed.");
        Hedges = meter.CreateCounter<long>("lepton.routing.hedges", "{attempt}",
            "Second attempts beside a slow first, by whether they answered first.");
        BudgetSpent = meter.CreateCounter<long>("lepton.routing.retry_budget.spent", "{attempt}",
            "Retries and hedges not made because the model's budget was spent.");
        Held = meter.CreateUpDownCounter<long>("lepton.routing.held", "{request}",
            "Requests that wait for a model which is being loaded.");
        HoldDuration = meter.CreateHistogram<double>("lepton.routing.hold.duration", "s",
            "How long they waited, by whether they were served.");
        meter.CreateObservableGauge("lepton.routing.retry_budget.left", () => flows.All.Select(f =>
            new Measurement<double>(f.Budget.Left, new KeyValuePair<string, object?>("lepton.model", f.Model))),
            "{attempt}", "Retries and hedges that may be made now.");
        meter.CreateObservableGauge("lepton.routing.hedge.delay", () => flows.All.Select(f =>
            new Measurement<double>(f.Latency.SlowSeconds, new KeyValuePair<string, object?>("lepton.model", f.Model))),
            "s", "How long an answer may take before a second place is asked; 0: not known yet.");
    }

    public Counter<long> Retries { get; }

    public Counter<long> Hedges { get; }

    public Counter<long> BudgetSpent { get; }

    public UpDownCounter<long> Held { get; }

    public Histogram<double> HoldDuration { get; }
}
