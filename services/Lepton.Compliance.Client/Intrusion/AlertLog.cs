namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Changes after a sequence.</summary>
/// <param name="Changes">By sequence.</param>
/// <param name="Through">Where the reader is after them, those that it may not see included.</param>
/// <param name="Gap">Changes after the sequence are no longer kept.</param>
internal readonly record struct AlertChanges(
    IReadOnlyList<(ulong Sequence, Alert Alert)> Changes, ulong Through, bool Gap);

/// <summary>
/// The latest state of the latest alerts, in memory, by change: a reader that comes back is told once what changed,
/// however often it did. Who was unchanged longest goes first.
/// </summary>
internal sealed class AlertLog(int max, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(ulong Sequence, Alert Alert)> _byChange = [];
    private readonly Dictionary<ulong, LinkedListNode<(ulong Sequence, Alert Alert)>> _byNumber = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _sequence;
    private ulong _lostThrough;

    /// <summary>Names this log: 32 hex digits, anew with each start.</summary>
    public string Id { get; } = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

    /// <summary>The last change's number; 0 before the first.</summary>
    public ulong Sequence
    {
        get
        {
            lock (_gate)
                return _sequence;
        }
    }

    /// <summary>Notes a new or changed alert.</summary>
    public void Put(Alert alert)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (_byNumber.Remove(alert.Number, out LinkedListNode<(ulong Sequence, Alert Alert)>? former))
                _byChange.Remove(former);
            else if (_byNumber.Count >= max && _byChange.First is { } oldest)
            {
                _lostThrough = oldest.Value.Sequence;
                _byNumber.Remove(oldest.Value.Alert.Number);
                _byChange.Remove(oldest);
            }
            _byNumber.Add(alert.Number, _byChange.AddLast((++_sequence, alert)));
            (changed, _changed) = (_changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        changed.SetResult();
    }

    /// <summary>What changed after a sequence, the oldest changes first.</summary>
    /// <param name="sequence">Where the reader is.</param>
    /// <param name="countMax">Changes at once, those that the reader may not see included.</param>
    /// <param name="scope">What the reader may see.</param>
    public AlertChanges After(ulong sequence, int countMax, AlertScope scope)
    {
        lock (_gate)
        {
            LinkedListNode<(ulong Sequence, Alert Alert)>? at = _byChange.Last;
            while (at?.Previous is { } before && before.Value.Sequence > sequence)
                at = before;
            List<(ulong, Alert)> changes = [];
            ulong through = sequence;
            for (int i = 0; i < countMax && at is not null; i++, at = at.Next)
            {
                if (at.Value.Sequence <= sequence)
                    break;
                through = at.Value.Sequence;
                if (scope.Sees(at.Value.Alert))
                    changes.Add(at.Value);
            }
            return new AlertChanges(changes, through, sequence < _lostThrough);
        }
    }

    /// <summary>Ends when there is something after the sequence.</summary>
    public Task WaitAsync(ulong sequence, CancellationToken cancellation)
    {
        lock (_gate)
            return _sequence > sequence ? Task.CompletedTask : _changed.Task.WaitAsync(cancellation);
    }

    /// <summary>A page of alerts, the newest first.</summary>
    /// <param name="before">Only older ones than this number; null: from the newest.</param>
    /// <param name="countMax">Alerts of a page.</param>
    /// <param name="wanted">Which.</param>
    /// <returns>One more than a page when there are more.</returns>
    public IReadOnlyList<Alert> Newest(ulong? before, int countMax, Func<Alert, bool> wanted)
    {
        Alert[] all;
        lock (_gate)
            all = [.. _byChange.Select(c => c.Alert)];
        return
        [
            .. all.Where(a => (before is null || a.Number < before) && wanted(a))
                .OrderByDescending(a => a.Number)
                .Take(countMax + 1),
        ];
    }
}
