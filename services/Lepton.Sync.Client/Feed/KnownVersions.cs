namespace Lepton.Sync.Client;

/// <summary>
/// What a feed has told of each key. A node that is behind another one may tell older things: they are passed over.
/// Deleted keys are remembered too, so that such a node does not bring them back.
/// </summary>
internal sealed class KnownVersions(int max)
{
    private readonly Dictionary<string, Known> _keys = new(StringComparer.Ordinal);
    private int _deleted;

    /// <summary>Is it newer than what was told? Then it counts as told.</summary>
    /// <exception cref="NodeFault">More keys than the bound.</exception>
    public bool TryAdvance(string key, string version, bool isDeleted)
    {
        if (_keys.TryGetValue(key, out var known))
        {
            if (string.CompareOrdinal(version, known.Version) <= 0)
                return false;
            _deleted -= known.IsDeleted ? 1 : 0;
        }
        else if (isDeleted)
            return false; // never told: nothing to take back
        _keys[key] = new Known(version, isDeleted);
        _deleted += isDeleted ? 1 : 0;
        if (_keys.Count - _deleted > max)
            throw new NodeFault(NodeFaultKind.Refused, "TOO_MANY_RECORDS",
                $"More records than SyncClient:RecordsMax ({max}) are under the prefix.");
        if (_deleted > max)
            ForgetDeleted();
        return true;
    }

    /// <summary>Those that were told, are not deleted, and not among these.</summary>
    public IReadOnlyList<(string Key, string Version)> Missing(HashSet<string> seen) =>
        [.. _keys.Where(k => !k.Value.IsDeleted && !seen.Contains(k.Key)).Select(k => (k.Key, k.Value.Version))];

    /// <summary>Its home has it no more; which version that was is not known.</summary>
    public void MarkDeleted(string key)
    {
        _keys[key] = _keys[key] with { IsDeleted = true };
        _deleted++;
    }

    private void ForgetDeleted()
    {
        foreach (var key in _keys.Where(k => k.Value.IsDeleted).Select(k => k.Key).ToList())
            _keys.Remove(key);
        _deleted = 0;
    }

    private readonly record struct Known(string Version, bool IsDeleted);
}
