namespace Lepton.Sync.Placement;

/// <summary>The topology as this node knows it.</summary>
internal interface ITopologySource
{
    /// <summary>The newest known. Never null once the node has started.</summary>
    Topology Current { get; }

    /// <summary>This node's own place in it.</summary>
    SyncNode Self { get; }

    /// <summary>
    /// May this region hold the class's records: by the topology, and by the residency policy in force? (C3, S6)
    /// </summary>
    bool MayHold(RecordClass recordClass, string region) => recordClass.Allows(region);

    /// <summary>When the store last confirmed that nothing is newer, by the injected clock's timestamp; null: not since
    /// the start.</summary>
    long? ConfirmedAt { get; }

    /// <summary>Asks the store now: somebody knows of a newer epoch. Returns after the answer or its failure.</summary>
    Task RefreshAsync(CancellationToken cancellationToken);

    /// <summary>Called after each change, with the one before.</summary>
    event Action<Topology>? Changed;
}
