using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;

namespace Lepton.Routing.Tests.Decisions;

/// <summary>An audit log in memory, full at will.</summary>
internal sealed class CapturedAudit : IAuditLog
{
    public List<AuditEvent> Events { get; } = [];

    public bool Full { get; set; }

    /// <summary>Kept, but whoever wrote never hears of it, as in a crash.</summary>
    public bool Crash { get; set; }

    public ValueTask WriteAsync(AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        if (Full)
            throw new AuditUnavailableException("full");
        Events.Add(auditEvent);
        return Crash ? throw new AuditUnavailableException("the process died here") : ValueTask.CompletedTask;
    }

    public void Report(AuditEvent auditEvent) => Events.Add(auditEvent);
}
