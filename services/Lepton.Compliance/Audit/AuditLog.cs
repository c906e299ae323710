using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit;

/// <summary>The zone's log, for the service's own parts and for its RPC: events in, acknowledgement out.</summary>
internal sealed class AuditLog(
    EventPreparer preparer, Sequencer sequencer, CopyGate gate, LogWriter writer, LogName log, AuditMetrics metrics)
{
    /// <summary>The log's name.</summary>
    public string Name => log.Value;

    /// <summary>
    /// Writes events that <see cref="EventCheck"/> found good, whole or not at all. When this returns they are on
    /// disk, in the second zone too while that answers.
    /// </summary>
    /// <exception cref="LogUnavailableException">Nothing is acknowledged; a repetition is harmless.</exception>
    /// <exception cref="LogOverloadedException">Too many wait.</exception>
    public async Task<AppendResult> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
    {
        if (!writer.IsOpen)
        {
            metrics.Came("unavailable", events.Count);
            throw new LogUnavailableException(writer.WhyClosed);
        }
        var result = await sequencer.AppendAsync(preparer.Prepare(events), cancellationToken);
        await gate.WaitAsync(result.Size, cancellationToken);
        return result;
    }
}
