using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>
/// What was written last, for those who copy it, so that they need not read it again; and the signal that there is
/// more. Bounded by bytes. Safe for concurrent use.
/// </summary>
internal sealed class RecentEntries
{
    private const long BytesMax = 16 << 20;

    private readonly Lock _lock = new();
    private readonly Queue<WrittenBatch> _batches = new();
    private long _bytes;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RecentEntries(LogWriter writer) => writer.Written += Add;

    /// <summary>Completes with the next write after this was asked for.</summary>
    public Task More
    {
        get
        {
            lock (_lock)
                return _more.Task;
        }
    }

    /// <summary>Entries after a size, in order; null: they are no longer here, or not yet written.</summary>
    public IReadOnlyList<StoredEntry>? After(long size, int entriesMax)
    {
        lock (_lock)
        {
            if (_batches.Count == 0 || _batches.Peek().Entries[0].Columns.Sequence > size + 1)
                return null;
            List<StoredEntry> found = [];
            foreach (var batch in _batches)
            {
                if (batch.Entries[^1].Columns.Sequence <= size)
                    continue;
                var skip = (int)Math.Max(0, size + 1 - batch.Entries[0].Columns.Sequence);
                foreach (var entry in batch.Entries.Skip(skip).Take(entriesMax - found.Count))
                    found.Add(entry);
                if (found.Count >= entriesMax)
                    break;
            }
            return found.Count > 0 ? found : null;
        }
    }

    private void Add(WrittenBatch batch)
    {
        TaskCompletionSource more;
        lock (_lock)
        {
            // After the log was opened anew, what was written before may not be what follows.
            if (_batches.Count > 0
                && _batches.Last().Entries[^1].Columns.Sequence + 1 != batch.Entries[0].Columns.Sequence)
            {
                _batches.Clear();
                _bytes = 0;
            }
            _batches.Enqueue(batch);
            _bytes += BytesOf(batch);
            while (_bytes > BytesMax && _batches.Count > 1)
                _bytes -= BytesOf(_batches.Dequeue());
            (more, _more) = (_more, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        more.TrySetResult();
    }

    private static long BytesOf(WrittenBatch batch) => batch.Entries.Sum(e => (long)e.Bytes.Length);
}
