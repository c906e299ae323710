using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Erasure;

/// <summary>An order to erase a subject.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Subject">Whom, as a digest.</param>
/// <param name="OrderTime">When, by the clock of the node that ordered it.</param>
/// <param name="OrderedBy">That node's name.</param>
internal sealed record ErasureOrder(Guid Id, SubjectDigest Subject, DateTimeOffset OrderTime, string OrderedBy);

/// <summary>What a node says that it did.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Region">Its region.</param>
/// <param name="DestroyTime">When its keys were destroyed.</param>
/// <param name="Keys">How many keys of the subject, by earlier erasures too.</param>
/// <param name="Records">How many records of its own those had sealed.</param>
/// <param name="Signature">JWS over all that (<see cref="Receipts"/>).</param>
internal sealed record NodeReceipt(
    string Node, string Region, DateTimeOffset DestroyTime, int Keys, long Records, string Signature);

/// <summary>How far an order is at a node.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Region">Its region.</param>
/// <param name="Receipt">null: none yet.</param>
/// <param name="OwnKeys">What it destroyed.</param>
/// <param name="KnownKeys">How many of the order's keys, in their order, it was told of.</param>
internal sealed record NodeErasure(
    string Node, string Region, NodeReceipt? Receipt, IReadOnlyList<KeyId> OwnKeys, int KnownKeys);

/// <summary>An order as it stands at the node that gave it, or at one that applied it.</summary>
/// <param name="Order">What was ordered.</param>
/// <param name="Keys">Every key that a node destroyed for it; only ever grows at its end.</param>
/// <param name="Nodes">How far each is. Of another node's order: this node alone.</param>
/// <param name="IsSwept">Records that were on their way while it was applied have been looked for.</param>
internal sealed record Erasure(
    ErasureOrder Order, IReadOnlyList<KeyId> Keys, IReadOnlyList<NodeErasure> Nodes, bool IsSwept)
{
    /// <summary>Has the node destroyed its own keys, and those that others had?</summary>
    public bool IsDone(NodeErasure node) => node.Receipt is not null
        && Keys.Skip(node.KnownKeys).All(id => node.OwnKeys.Contains(id));

    /// <summary>Has every node?</summary>
    public bool IsFinished => Nodes.All(IsDone);

    public NodeErasure? At(string node) => Nodes.FirstOrDefault(n => n.Node == node);
}
