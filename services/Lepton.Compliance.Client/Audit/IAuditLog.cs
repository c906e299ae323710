using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit;

/// <summary>The region's audit log, as who has something to write sees it (C4).</summary>
public interface IAuditLog
{
    /// <summary>
    /// Writes an event. When this returns it is on this process' disk, and reaches the log in time even if the process,
    /// the log or both die. What is not given is filled in: id, time, region, zone, service, process, trace.
    /// </summary>
    /// <exception cref="AuditUnavailableException">
    /// It could not be kept: what it is about must not be done if it is regulated or manages.
    /// </exception>
    ValueTask WriteAsync(AuditEvent auditEvent, CancellationToken cancellationToken);

    /// <summary>
    /// The same for who can't wait: returns at once, and the event is on disk soon. Dropped when too many wait, which
    /// is counted and turns the process' health to Degraded.
    /// </summary>
    void Report(AuditEvent auditEvent);
}

/// <summary>
/// The event could not be kept: the spool's disk is full or broken, or the spool has as much as it may.
/// </summary>
public sealed class AuditUnavailableException(string message, Exception? inner = null) : IOException(message, inner);
