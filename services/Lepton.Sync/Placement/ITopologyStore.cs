namespace Lepton.Sync.Placement;

/// <summary>
/// What keeps the one topology that all nodes agree on, and changes it one epoch at a time. etcd comes behind the same
/// interface in a later step; PostgreSQL's is for development.
/// </summary>
internal interface ITopologyStore
{
    /// <summary>For people: what it is, e.g. <c>postgresql (development)</c>.</summary>
    string Kind { get; }

    /// <summary>The topology now; null: there is none yet.</summary>
    /// <exception cref="TopologyUnavailableException">The store does not answer.</exception>
    Task<Topology?> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Puts <paramref name="next"/> in the place of the one with the epoch before it (0: of none). False: another was
    /// quicker.
    /// </summary>
    /// <exception cref="TopologyUnavailableException">The store does not answer: it may have been done.</exception>
    Task<bool> TryReplaceAsync(Topology next, CancellationToken cancellationToken);
}

/// <summary>The topology store cannot be asked now.</summary>
internal sealed class TopologyUnavailableException(string message, Exception inner) : Exception(message, inner);
