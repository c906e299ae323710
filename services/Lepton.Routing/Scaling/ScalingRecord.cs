using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.Routing.Scaling.Guard;
using Lepton.Routing.Scaling.Pools;
using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling;

/// <summary>What scaling decided and did, for metrics and the audit log.</summary>
internal sealed class ScalingRecord
{
    private readonly ConcurrentDictionary<Tier, PoolDecision> _decisions = [];
    private readonly Counter<long> _changes, _refusals, _failures;
    private readonly Topology _topology;
    private readonly IAuditLog? _audit;

    public ScalingRecord(RoutingMetrics metrics, Topology topology, IAuditLog? audit = null)
    {
        (_topology, _audit) = (topology, audit);
        Meter meter = metrics.Meter;
        meter.CreateObservableGauge("lepton.routing.scaling.nodes", () => Of(d => d.Current), "{node}",
            "Nodes that serve, start or were asked for.");
        meter.CreateObservableGauge("lepton.routing.scaling.nodes.desired", () => Of(d => d.Desired), "{node}",
            "Nodes that a pool shall have.");
        meter.CreateObservableGauge("lepton.routing.scaling.urgent", () => Of(d => d.Urgent ? 1 : 0), "1",
            "1 while the SLO rule asks for more nodes.");
        meter.CreateObservableGauge("lepton.routing.scaling.p99.predicted", Predicted, "s",
            "The 99th percentile of a model's answers with the nodes there are; none: more comes than goes.");
        _changes = meter.CreateCounter<long>("lepton.routing.scaling.changes", "{node}",
            "Nodes started, drained or taken back.");
        _refusals = meter.CreateCounter<long>("lepton.routing.scaling.refusals", "{refusal}",
            "Scale-out that the budget guard refused, once a minute.");
        _failures = meter.CreateCounter<long>("lepton.routing.scaling.failures", "{failure}",
            "Looks at a pool that failed: its provider could not be asked, or refused.");
    }

    public void Decided(PoolDecision decision) => _decisions[decision.Tier] = decision;

    public void Changed(PoolDecision decision, int nodes, string node)
    {
        bool isOut = nodes > decision.Current;
        _changes.Add(Math.Abs(nodes - decision.Current), TierOf(decision.Tier),
            new("lepton.direction", isOut ? "out" : "in"), new("lepton.urgent", decision.Urgent));
        Report(isOut ? "scaling.out" : "scaling.in", AuditOutcome.Succeeded, "", decision, nodes, decision.Why, node);
    }

    public void Refused(PoolDecision decision, GuardVerdict verdict)
    {
        _refusals.Add(1, TierOf(decision.Tier), new("error.type", verdict.Reason));
        Report("scaling.out", AuditOutcome.Denied, verdict.Reason, decision, decision.Desired, verdict.Message, "");
    }

    public void Failed(Tier tier, string why)
    {
        _failures.Add(1, TierOf(tier));
        Report("scaling.out", AuditOutcome.Failed, "", _decisions.GetValueOrDefault(tier)
            ?? PoolDecision.Unknown(tier), 0, why, "");
    }

    private void Report(string action, AuditOutcome outcome, string reason, PoolDecision decision, int nodes,
        string message, string node)
    {
        if (_audit is null)
            return;
        AuditEvent audit = new()
        {
            Category = AuditCategory.Management, Action = action, Outcome = outcome, Reason = reason,
            Message = message.Length > 1000 ? message[..1000] : message,
            Actor = new AuditActor { Principal = $"service/{_topology.Own}/routing", Service = true },
            Resource = node.Length > 0 ? $"nodes/{node}" : $"pools/{NameOf(decision.Tier)}",
        };
        audit.Details.Add("tier", NameOf(decision.Tier));
        audit.Details.Add("urgent", decision.Urgent ? "true" : "false");
        audit.Details.Add("from", decision.Current.ToString(CultureInfo.InvariantCulture));
        audit.Details.Add("to", nodes.ToString(CultureInfo.InvariantCulture));
        _audit.Report(audit);
    }

    private IEnumerable<Measurement<int>> Of(Func<PoolDecision, int> value) =>
        _decisions.Values.Select(d => new Measurement<int>(value(d), TierOf(d.Tier)));

    private IEnumerable<Measurement<double>> Predicted() => _decisions.Values.SelectMany(d => d.Models
        .Where(m => double.IsFinite(m.P99Seconds))
        .Select(m => new Measurement<double>(
            m.P99Seconds, TierOf(d.Tier), new KeyValuePair<string, object?>("lepton.model", m.Now.Model))));

    private static KeyValuePair<string, object?> TierOf(Tier tier) => new("lepton.tier", NameOf(tier));

    private static string NameOf(Tier tier) => tier == Tier.Core ? "core" : "edge";
}
