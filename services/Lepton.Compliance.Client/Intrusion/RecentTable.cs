using System.Diagnostics.CodeAnalysis;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>A map of bounded size: who was used longest ago goes first.</summary>
internal sealed class RecentTable<TKey, TValue>(int max, IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = new(comparer);
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = [];

    public int Count => _nodes.Count;

    /// <summary>The value, without it counting as a use.</summary>
    public bool TryPeek(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        bool found = _nodes.TryGetValue(key, out LinkedListNode<(TKey Key, TValue Value)>? node);
        value = node is null ? default : node.Value.Value;
        return found;
    }

    /// <summary>The value, as used now.</summary>
    public bool TryUse(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        value = default;
        if (!_nodes.TryGetValue(key, out LinkedListNode<(TKey Key, TValue Value)>? node))
            return false;
        _byUse.Remove(node);
        _byUse.AddLast(node);
        value = node.Value.Value;
        return true;
    }

    /// <summary>Adds or replaces, as used now. What had to go for it is <paramref name="evicted"/>.</summary>
    public bool Put(TKey key, TValue value, out (TKey Key, TValue Value) evicted)
    {
        Remove(key);
        evicted = default;
        bool full = _nodes.Count >= max;
        if (full && _byUse.First is { } oldest)
        {
            evicted = oldest.Value;
            Remove(oldest.Value.Key);
        }
        _nodes.Add(key, _byUse.AddLast((key, value)));
        return full;
    }

    public bool Remove(TKey key)
    {
        if (!_nodes.Remove(key, out LinkedListNode<(TKey Key, TValue Value)>? node))
            return false;
        _byUse.Remove(node);
        return true;
    }
}
