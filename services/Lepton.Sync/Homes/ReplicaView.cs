using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Homes;

/// <summary>How far this node has come with the others' changes.</summary>
internal interface IReplicaSight
{
    /// <summary>What is held of a home's slots is at most this old; null: not known, or not all are whole.</summary>
    TimeSpan? StalenessOf(NodeId home);

    /// <summary>
    /// How far this node has come with a home's changes; null: not at all, or not every slot of it is whole, so that a
    /// position says nothing of what is missing.
    /// </summary>
    Task<SourceProgress?> ProgressOfAsync(NodeId home, CancellationToken cancellationToken);
}

/// <summary>What a request wants to know of replication: how old, how far, and the key that is missing.</summary>
internal sealed class ReplicaView(
    Lag lag, ReplicaSlots slots, Confirmations confirmations, Spool spool, IReplicationPeers peers, IRecordStore store,
    IDataKeys keys) : IReplicaSight
{
    /// <summary>What is held of a slot is at most this old; null: not known, or it is not whole.</summary>
    public TimeSpan? StalenessOf(NodeId home, ClassId recordClass, SlotId slot) =>
        slots.IsWhole(recordClass, slot) ? lag.StalenessOf(home) : null;

    /// <inheritdoc />
    public TimeSpan? StalenessOf(NodeId home) => slots.LeftOf(home) == 0 ? lag.StalenessOf(home) : null;

    /// <inheritdoc />
    public async Task<SourceProgress?> ProgressOfAsync(NodeId home, CancellationToken cancellationToken)
    {
        if (slots.LeftOf(home) > 0)
            return null;
        if (lag.SightOf(home) is { Applied.Value: > 0 } sight)
            return new SourceProgress(home, sight.Timeline, sight.Applied);
        try
        {
            return (await store.ReadProgressAsync(cancellationToken)).FirstOrDefault(p => p.Source == home);
        }
        catch (DatabaseUnavailableException)
        {
            return null;
        }
    }

    /// <summary>By how many bytes of this node's log a replica is behind; null: not known.</summary>
    public long? BehindBytes(NodeId replica, ClassId recordClass, SlotId slot) =>
        confirmations.AcknowledgedBy(replica, recordClass, slot) is { } position
            ? (long)Math.Max(0, spool.End.Value - Math.Min(spool.End.Value, position.Value))
            : null;

    /// <summary>Asks who gave a row for its key; where it cannot be had, it stays unknown.</summary>
    public async Task FetchKeyAsync(SyncNode source, KeyId id, CancellationToken cancellationToken)
    {
        try
        {
            if ((await peers.Of(source).GetKeysAsync([id], cancellationToken)) is not [var found])
                return;
            if (found.State == KeyState.Erased)
                await keys.MarkErasedAsync([id], cancellationToken);
            else if (found is { State: KeyState.Live, Key: { } key } && key.Id == id)
                await keys.AddAsync([key], cancellationToken);
        }
        catch (IOException)
        {
            // Whoever wanted it hears that it is missing.
        }
    }
}
