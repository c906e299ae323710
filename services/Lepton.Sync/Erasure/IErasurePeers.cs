using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Erasure;

/// <summary>The other nodes, as far as erasure goes.</summary>
internal interface IErasurePeers
{
    /// <summary>
    /// Gives a node the order; what it did, or null where it did not answer until the token ended, or not by its own
    /// word.
    /// </summary>
    Task<PeerErasure?> ApplyAsync(
        SyncNode node, ErasureOrder order, IReadOnlyList<KeyId> keys, CancellationToken cancellationToken);
}

/// <param name="Receipt">Checked: the node's own.</param>
/// <param name="OwnKeys">What it destroyed.</param>
internal sealed record PeerErasure(NodeReceipt Receipt, IReadOnlyList<KeyId> OwnKeys);
