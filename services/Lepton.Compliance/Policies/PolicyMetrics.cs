using System.Diagnostics.Metrics;

namespace Lepton.Compliance.Policies;

/// <summary>Policies' metrics. Names and meanings are listed in README.md.</summary>
internal sealed class PolicyMetrics
{
    public const string MeterName = "Lepton.Compliance";

    public PolicyMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        Changes = meter.CreateCounter<long>("lepton.compliance.policy.changes", "{change}",
            "Policies submitted, approved and activated, by action and how it ended.");
        CheckDuration = meter.CreateHistogram<double>("lepton.compliance.policy.check.duration", "s",
            "Checks before a policy is taken: form, cases, invariants over every state.");
    }

    public Counter<long> Changes { get; }

    public Histogram<double> CheckDuration { get; }

    public void Changed(string action, string outcome) => Changes.Add(1,
        new KeyValuePair<string, object?>("lepton.action", action),
        new KeyValuePair<string, object?>("lepton.outcome", outcome));
}
