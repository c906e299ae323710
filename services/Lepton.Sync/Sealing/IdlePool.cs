namespace Lepton.Sync.Sealing;

/// <summary>A few objects that one caller at a time uses, kept for the next one. Never waits.</summary>
internal sealed class IdlePool<T>(int max) where T : class, IDisposable
{
    private readonly T?[] _idle = new T?[max];

    /// <summary>One that is idle; null: there is none, make one.</summary>
    public T? Take()
    {
        for (var i = 0; i < _idle.Length; i++)
        {
            if (_idle[i] is not null && Interlocked.Exchange(ref _idle[i], null) is { } item)
                return item;
        }
        return null;
    }

    /// <summary>Gives it back; disposed of when there are enough.</summary>
    public void Give(T item)
    {
        for (var i = 0; i < _idle.Length; i++)
        {
            if (_idle[i] is null && Interlocked.CompareExchange(ref _idle[i], item, null) is null)
                return;
        }
        item.Dispose();
    }

    /// <summary>Disposes of all that are idle now.</summary>
    public void Drain()
    {
        while (Take() is { } item)
            item.Dispose();
    }
}
