namespace Lepton.Compliance.Audit.Sequencing;

/// <summary>
/// Knows without the database of most events whether they were written. Every id above <see cref="Floor"/> that was
/// ever written is in here; of those below, the table's index is asked. New events have new ids (UUIDv7 begins with the
/// time), so asking is for repetitions and stragglers.
/// </summary>
internal sealed class RecentIds(int generationMax)
{
    private HashSet<UInt128> _young = [], _old = [];

    /// <summary>Nothing is known of ids up to here.</summary>
    public UInt128 Floor { get; private set; }

    /// <summary>Begins anew above the greatest id that is stored.</summary>
    public void Reset(UInt128 greatest)
    {
        (_young, _old) = ([], []);
        Floor = greatest;
    }

    /// <summary>True: it was written, or was not; null: ask the table.</summary>
    public bool? Find(UInt128 id) => _young.Contains(id) || _old.Contains(id) ? true : id > Floor ? false : null;

    /// <summary>It was written.</summary>
    public void Add(UInt128 id)
    {
        _young.Add(id);
        if (_young.Count < generationMax)
            return;
        foreach (var forgotten in _old)
            if (forgotten > Floor)
                Floor = forgotten;
        (_old, _young) = (_young, []);
    }
}
