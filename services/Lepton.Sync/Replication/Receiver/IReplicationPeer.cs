using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>Another node as a receiver sees it. Real: gRPC over mutual TLS. Simulated: calls that are lost.</summary>
internal interface IReplicationPeer
{
    /// <summary>Opens a stream after a position (0 with an empty timeline: at the present end).</summary>
    /// <exception cref="IOException">The peer cannot be reached.</exception>
    Task<IReplicationStream> OpenAsync(string timeline, LogPosition position, CancellationToken cancellationToken);

    /// <summary>The rows of slots as they are now, slot by slot.</summary>
    /// <exception cref="IOException">The peer cannot be reached, or will not: the message says why.</exception>
    IAsyncEnumerable<CopiedRows> CopyAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long epoch, CancellationToken cancellationToken);

    /// <summary>What the peer knows of data keys, in their order; 1 to 1,000.</summary>
    /// <exception cref="IOException">The peer cannot be reached.</exception>
    Task<IReadOnlyList<DataKeyLookup>> GetKeysAsync(
        IReadOnlyList<KeyId> ids, CancellationToken cancellationToken);
}

/// <summary>An open stream. One reads, one acknowledges, at the same time.</summary>
internal interface IReplicationStream : IAsyncDisposable
{
    /// <summary>The next message; null: the stream is over.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    Task<SourceMessage?> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Everything to here is committed, in the slots that are whole by the map of this epoch; 0: none is yet.
    /// </summary>
    Task AcknowledgeAsync(LogPosition position, long epoch, CancellationToken cancellationToken);
}
