using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Receiver;

/// <param name="Class">A class.</param>
/// <param name="Slot">One of its slots.</param>
/// <param name="Home">Whose rows it has, all of them.</param>
/// <param name="Term">The home's term; <see cref="NoTerm"/>: it was whole once, and is not any more.</param>
internal readonly record struct SlotOrigin(ClassId Class, SlotId Slot, NodeId Home, long Term)
{
    /// <summary>No map has it: terms are epochs, from 1 on.</summary>
    public const long NoTerm = 0;
}

/// <summary>
/// Which slots this node has whole, and from whom. Beside the rows, in the same database, so that a restored one tells
/// the truth about itself.
/// </summary>
internal interface IReplicaState
{
    Task<IReadOnlyList<SlotOrigin>> ReadAsync(CancellationToken cancellationToken);

    /// <summary>These slots are whole now.</summary>
    Task WriteAsync(IReadOnlyList<SlotOrigin> origins, CancellationToken cancellationToken);

    /// <summary>Slots that were whole by this home are not any more: their term is none.</summary>
    Task ForgetAsync(NodeId home, CancellationToken cancellationToken);
}
