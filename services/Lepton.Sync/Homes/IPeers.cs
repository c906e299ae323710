using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Homes;

/// <summary>
/// The other nodes. Real: gRPC over mutual TLS; simulated: a network with faults. What cannot be reached is a value,
/// not an exception.
/// </summary>
internal interface IPeers
{
    /// <summary>Writes at their home, in the order of the commands.</summary>
    Task<IReadOnlyList<WriteReply>> WriteAsync(
        SyncNode home, long epoch, IReadOnlyList<WriteCommand> commands, LevelWish level,
        CancellationToken cancellationToken);

    /// <summary>Reads at their home.</summary>
    Task<ReadReply> ReadAsync(
        SyncNode home, long epoch, IReadOnlyList<RecordAddress> addresses, CancellationToken cancellationToken);

    /// <summary>A page of what a node holds; <paramref name="home"/>: only as the slots' home.</summary>
    Task<ReadReply> ScanAsync(
        SyncNode node, long epoch, ScanRange range, int limit, bool home, CancellationToken cancellationToken);

    /// <summary>How things stand at a node; null: it does not answer.</summary>
    Task<PeerWord?> AskAsync(SyncNode node, long epoch, SyncNode? noMoreFor, CancellationToken cancellationToken);
}

/// <summary>How things stand at a node.</summary>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Vouches">It confirms the asker's place: it has promised its successor nothing.</param>
/// <param name="Sights">How it sees the others.</param>
internal sealed record PeerWord(long Epoch, bool Vouches, IReadOnlyList<PeerSight> Sights);

/// <summary>How a node sees another.</summary>
/// <param name="Node">The other.</param>
/// <param name="Silence">How long it has not heard from it; null: not since it started.</param>
/// <param name="Position">How far it has committed the other's changes.</param>
/// <param name="Timeline">What the position counts in; empty: none, or not every slot of it is whole there.</param>
/// <param name="Staleness">What it holds of the other's slots is at most this old; null: not known.</param>
internal sealed record PeerSight(
    NodeId Node, TimeSpan? Silence, LogPosition Position, string Timeline, TimeSpan? Staleness);
