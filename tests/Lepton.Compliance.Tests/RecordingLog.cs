using System.Collections.Concurrent;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Tests;

/// <summary>Keeps what it is given; on demand it cannot.</summary>
internal sealed class RecordingLog : IAuditLog
{
    private readonly ConcurrentQueue<AuditEvent> _events = [];

    public bool IsFull { get; set; }

    public IReadOnlyList<AuditEvent> Events => [.. _events];

    /// <summary>Of changes of policies: action, resource, phase, outcome and reason.</summary>
    public IEnumerable<string> Lines => Events.Select(e =>
        $"{e.Action} {e.Resource} {e.Details["phase"]} {e.Outcome} {e.Reason}".TrimEnd());

    public ValueTask WriteAsync(AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        if (IsFull)
            throw new AuditUnavailableException("The spool is full.");
        _events.Enqueue(auditEvent.Clone());
        return default;
    }

    public void Report(AuditEvent auditEvent) => _events.Enqueue(auditEvent.Clone());
}
