using Lepton.Sync.Placement;

namespace Lepton.Sync.Erasure;

/// <summary>What was found of an erasure.</summary>
internal abstract record FoundErasure
{
    private FoundErasure()
    {
    }

    /// <param name="Erasure">As it stands at the node that ordered it: over all nodes.</param>
    public sealed record Known(V1.Erasure Erasure) : FoundErasure;

    /// <summary>No node knows it.</summary>
    public sealed record Unknown : FoundErasure;

    /// <param name="Tenant">Whose; null: not known here.</param>
    /// <param name="Nodes">Who ordered it, or may have, and cannot be asked.</param>
    public sealed record Silent(string? Tenant, IReadOnlyList<string> Nodes) : FoundErasure;
}

/// <param name="Erasure">As it stands at the asked node; null: unknown there.</param>
/// <param name="OrderedBy">Who ordered it; empty where unknown.</param>
internal sealed record ErasureWord(V1.Erasure? Erasure, string OrderedBy);

/// <summary>The other nodes, as far as the standing of an erasure goes.</summary>
internal interface IErasureWitnesses
{
    /// <summary>What a node knows of it; null: it does not answer.</summary>
    Task<ErasureWord?> FindAsync(SyncNode node, Guid id, CancellationToken cancellationToken);
}

/// <summary>
/// How an erasure stands over all nodes is known to the one that ordered it. It is asked; where this node does not know
/// which that is, each is, once and at the same time.
/// </summary>
internal sealed class ErasureStanding(Eraser eraser, IErasureWitnesses witnesses, ITopologySource topology)
{
    public async Task<FoundErasure> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        var own = await WordAsync(id, cancellationToken);
        if (own.OrderedBy == topology.Self.Name && own.Erasure is { } ordered)
            return new FoundErasure.Known(ordered);
        var others = topology.Current.Nodes.Where(n => n.Id != topology.Self.Id
            && (own.OrderedBy.Length == 0 || n.Name == own.OrderedBy)).ToList();
        var words = await Task.WhenAll(others.Select(async node =>
            (node.Name, Word: await witnesses.FindAsync(node, id, cancellationToken))));
        if (words.FirstOrDefault(w => w.Word is { Erasure: not null } word && word.OrderedBy == w.Name).Word
            is { Erasure: { } found })
            return new FoundErasure.Known(found);
        // Some node may know who ordered it, which then did not answer.
        var heard = own.Erasure is null ? words.FirstOrDefault(w => w.Word?.Erasure is not null).Word ?? own : own;
        if (heard.Erasure is not null)
            return new FoundErasure.Silent(heard.Erasure.Tenant, [heard.OrderedBy]);
        List<string> silent = [.. words.Where(w => w.Word is null).Select(w => w.Name)];
        return silent.Count > 0 ? new FoundErasure.Silent(null, silent) : new FoundErasure.Unknown();
    }

    /// <summary>What this node knows.</summary>
    public async Task<ErasureWord> WordAsync(Guid id, CancellationToken cancellationToken) =>
        await eraser.FindAsync(id, cancellationToken) is { } erasure
            ? new ErasureWord(ErasureMessages.Write(erasure), erasure.Order.OrderedBy)
            : new ErasureWord(null, "");
}
