namespace Lepton.Sync.Placement;

/// <summary>Which topology may follow which.</summary>
internal static class TopologyOrder
{
    /// <summary>
    /// Why <paramref name="next"/>, which the store holds, may not take the place of the one that a node knows; null:
    /// it may. Epochs never go back, numbers of nodes and classes never change, and an epoch has one form.
    /// </summary>
    public static string? Refusal(Topology current, Topology next)
    {
        if (next.Epoch < current.Epoch)
            return $"The store holds epoch {next.Epoch}, older than {current.Epoch} which this node knows: was it "
                + "restored from a backup?";
        if (next.Epoch == current.Epoch
            && !TopologyDocument.Write(next).AsSpan().SequenceEqual(TopologyDocument.Write(current)))
            return $"The store's epoch {next.Epoch} is another topology than this node's of the same epoch: was the "
                + "store made anew?";
        if (next.Nodes.Count < current.Nodes.Count || next.Classes.Count < current.Classes.Count
            || current.Nodes.Any(n => next[n.Id].Name != n.Name)
            || current.Classes.Any(c => next[c.Id].Name != c.Name))
            return $"The store's epoch {next.Epoch} does not follow this node's epoch {current.Epoch}: nodes or "
                + "classes have other numbers.";
        return null;
    }
}
