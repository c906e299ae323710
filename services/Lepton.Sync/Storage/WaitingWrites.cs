using Lepton.Sync.Records;

namespace Lepton.Sync.Storage;

/// <summary>A write on its way through <see cref="HomeWriter"/>.</summary>
internal sealed class WaitingWrite(WriteDraft draft)
{
    // Continuations never run inside the batch that completes them.
    private readonly TaskCompletionSource<HomeOutcome> _outcome =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WriteDraft Draft { get; } = draft;

    public Task<HomeOutcome> Outcome => _outcome.Task;

    /// <summary>In the list that it waits in; in none once a batch has it.</summary>
    public LinkedListNode<WaitingWrite>? Place { get; set; }

    /// <summary>True for the one who says it first.</summary>
    public bool TryFinish(HomeOutcome outcome) => _outcome.TrySetResult(outcome);

    /// <summary>It met a bug.</summary>
    public void Fail(Exception e) => _outcome.TrySetException(e);
}

/// <summary>
/// Writes that wait for a batch, in their order; of each key one is ready or under way and the others wait behind it.
/// Bounded. Not safe for threads: its owner locks.
/// </summary>
internal sealed class WaitingWrites(int waitingMax)
{
    private readonly LinkedList<WaitingWrite> _ready = new();
    private readonly Dictionary<RowKey, LinkedList<WaitingWrite>> _behind = [];

    /// <summary>All that wait, ready or behind another.</summary>
    public int Count { get; private set; }

    /// <summary>False: there are as many as may be.</summary>
    public bool TryAdd(WaitingWrite write)
    {
        if (Count >= waitingMax)
            return false;
        Count++;
        var key = RowKey.Of(write);
        if (_behind.TryGetValue(key, out var line))
        {
            write.Place = line.AddLast(write);
            return true;
        }
        _behind.Add(key, new LinkedList<WaitingWrite>());
        write.Place = _ready.AddLast(write);
        return true;
    }

    /// <summary>The oldest that are ready, as many as a batch may have; empty: none is.</summary>
    public List<WaitingWrite> TakeBatch(int writesMax, int bytesMax)
    {
        List<WaitingWrite> batch = [];
        for (long bytes = 0; batch.Count < writesMax && _ready.First is { Value: var write };)
        {
            bytes += write.Draft.Bytes;
            if (batch.Count > 0 && bytes > bytesMax)
                break;
            _ready.RemoveFirst();
            write.Place = null;
            Count--;
            batch.Add(write);
        }
        return batch;
    }

    /// <summary>All that wait, for the end: in no order.</summary>
    public List<WaitingWrite> TakeAll()
    {
        List<WaitingWrite> all = [.. _ready, .. _behind.Values.SelectMany(line => line)];
        foreach (var write in all)
            TryRemove(write);
        return all;
    }

    /// <summary>A batch has had its end: the next of its keys are ready.</summary>
    public void Release(List<WaitingWrite> batch)
    {
        foreach (var write in batch)
            MakeNextReady(RowKey.Of(write));
    }

    /// <summary>False: a batch has it.</summary>
    public bool TryRemove(WaitingWrite write)
    {
        if (write.Place is not { List: { } list } place)
            return false;
        list.Remove(place);
        write.Place = null;
        Count--;
        if (list == _ready)
            MakeNextReady(RowKey.Of(write));
        return true;
    }

    private void MakeNextReady(RowKey key)
    {
        var line = _behind[key];
        if (line.First is not { } next)
        {
            _behind.Remove(key);
            return;
        }
        line.RemoveFirst();
        _ready.AddLast(next);
    }

    private readonly record struct RowKey(ClassId Class, ReadOnlyMemory<byte> Key)
    {
        public static RowKey Of(WaitingWrite write) => new(write.Draft.Class, write.Draft.Key);

        public bool Equals(RowKey other) => Class == other.Class && Key.Span.SequenceEqual(other.Key.Span);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(Class.Value);
            hash.AddBytes(Key.Span);
            return hash.ToHashCode();
        }
    }
}
