using System.Diagnostics.Metrics;

namespace Lepton.Compliance.Roles;

/// <summary>What is counted of roles.</summary>
internal sealed class RoleMetrics
{
    private readonly Counter<long> _changes;
    private readonly Counter<long> _emergencies;

    public RoleMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Lepton.Compliance");
        _changes = meter.CreateCounter<long>("lepton.compliance.roles.changes", "{change}",
            "Changes of roles that were asked for, by action and outcome: done, same, or the refusal's reason.");
        _emergencies = meter.CreateCounter<long>("lepton.compliance.roles.emergencies", "{role}",
            "Emergency roles that were taken, by role: each is an alert.");
    }

    public void Changed(string action, string outcome) => _changes.Add(1,
        new KeyValuePair<string, object?>("lepton.action", action),
        new KeyValuePair<string, object?>("lepton.outcome", outcome));

    public void Emergency(string role) => _emergencies.Add(1, new KeyValuePair<string, object?>("lepton.role", role));
}
