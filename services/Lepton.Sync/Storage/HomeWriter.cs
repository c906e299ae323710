using System.Diagnostics;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Storage;

/// <summary>
/// The one way to write as a home: group commit. What arrives while the connections are busy is the next batch; nothing
/// waits for company. Of a key one write at a time is under way, in the order they came, so that unconditional writes
/// never refuse each other. No threads of its own: a batch goes on wherever its caller's await goes on.
/// </summary>
internal sealed partial class HomeWriter : IAsyncDisposable
{
    private readonly IRecordStore _store;
    private readonly HybridClock _clock;
    private readonly StorageOptions _options;
    private readonly StorageMetrics _metrics;
    private readonly ILogger<HomeWriter> _logger;
    private readonly Lock _gate = new();
    private readonly WaitingWrites _waiting;
    private readonly HashSet<Task> _lanes = [];
    private int _lanesBusy;
    private bool _isStopped;

    public HomeWriter(
        IRecordStore store, HybridClock clock, IOptions<StorageOptions> options, StorageMetrics metrics,
        ILogger<HomeWriter> logger)
    {
        (_store, _clock, _options, _metrics, _logger) = (store, clock, options.Value, metrics, logger);
        _waiting = new WaitingWrites(_options.WritesWaitingMax);
        metrics.WatchWaiting(() => Waiting);
    }

    /// <summary>Writes that wait for a batch.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>
    /// Writes. Cancellation takes back a write that waits (Cancelled); one that a batch has goes on, and the answer is
    /// Unknown at once. Faults are bugs only: of the draft's seal or of the store.
    /// </summary>
    public Task<HomeOutcome> WriteAsync(WriteDraft draft, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromResult(Count(new HomeOutcome(HomeOutcomeKind.Cancelled)));
        var write = new WaitingWrite(draft);
        bool opensLane;
        lock (_gate)
        {
            if (_isStopped)
                return Task.FromResult(Count(new HomeOutcome(HomeOutcomeKind.NotDone)));
            if (!_waiting.TryAdd(write))
                return Task.FromResult(Count(new HomeOutcome(HomeOutcomeKind.Overloaded)));
            opensLane = _lanesBusy < _options.CommitConnections;
            if (opensLane)
                _lanesBusy++;
        }
        if (opensLane)
            OpenLane();
        return cancellationToken.CanBeCanceled ? AwaitAsync(write, cancellationToken) : write.Outcome;
    }

    /// <summary>Takes no more; what waits is not done; what is under way is waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        List<WaitingWrite> left;
        Task[] lanes;
        lock (_gate)
        {
            _isStopped = true;
            left = _waiting.TakeAll();
            lanes = [.. _lanes];
        }
        foreach (var write in left)
            Finish(write, new HomeOutcome(HomeOutcomeKind.NotDone));
        await Task.WhenAll(lanes);
    }

    private async Task<HomeOutcome> AwaitAsync(WaitingWrite write, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(_ => Cancel(write), null);
        return await write.Outcome;
    }

    private void Cancel(WaitingWrite write)
    {
        bool isRemoved;
        lock (_gate)
            isRemoved = _waiting.TryRemove(write);
        Finish(write, new HomeOutcome(isRemoved ? HomeOutcomeKind.Cancelled : HomeOutcomeKind.Unknown));
    }

    // A lane outlives the request that opened it: it takes nothing of it along, neither trace nor context.
    private void OpenLane()
    {
        Task lane;
        using (ExecutionContext.SuppressFlow())
            lane = RunLaneAsync();
        lock (_gate)
        {
            if (!lane.IsCompleted)
                _lanes.Add(lane);
            _lanes.RemoveWhere(l => l.IsCompleted);
        }
    }

    private async Task RunLaneAsync()
    {
        Activity.Current = null;
        while (true)
        {
            List<WaitingWrite> batch;
            lock (_gate)
            {
                batch = _waiting.TakeBatch(_options.BatchWritesMax, _options.BatchBytesMax);
                if (batch.Count == 0)
                {
                    _lanesBusy--;
                    return;
                }
            }
            await CommitAsync(batch);
        }
    }

    private async Task CommitAsync(List<WaitingWrite> batch)
    {
        var (sealedWrites, writes) = Seal(batch);
        HomeCommit? commit = null;
        var failure = HomeOutcomeKind.NotDone;
        Exception? bug = null;
        try
        {
            // The store has its own deadlines, and a batch is of many callers: none of them can cancel it.
            if (writes.Count > 0)
                commit = await _store.WriteAsync(writes, CancellationToken.None);
        }
        catch (DatabaseUnavailableException e)
        {
            LogNotDone(writes.Count, e.Message);
        }
        catch (DatabaseOutcomeUnknownException e)
        {
            failure = HomeOutcomeKind.Unknown;
            LogUnknown(writes.Count, e.Message);
        }
        catch (Exception e)
        {
            bug = e;
            LogBug(e);
        }
        lock (_gate)
            _waiting.Release(batch);
        for (var i = 0; i < sealedWrites.Count; i++)
        {
            if (bug is not null)
                sealedWrites[i].Fail(bug);
            else
                Finish(sealedWrites[i], commit is null ? new HomeOutcome(failure) : OutcomeOf(commit, i));
        }
    }

    // A write whose seal fails is not in the batch; the others are.
    private (List<WaitingWrite>, List<HomeWrite>) Seal(List<WaitingWrite> batch)
    {
        var (sealedWrites, writes) = (new List<WaitingWrite>(batch.Count), new List<HomeWrite>(batch.Count));
        foreach (var write in batch)
        {
            try
            {
                var version = new RecordVersion(write.Draft.Term, _clock.Next());
                writes.Add(new HomeWrite(SealAs(version, write.Draft), write.Draft.Expected));
                sealedWrites.Add(write);
            }
            catch (Exception e)
            {
                LogBug(e);
                write.Fail(e);
            }
        }
        if (writes.Count > 0)
            _metrics.BatchSize.Record(writes.Count);
        return (sealedWrites, writes);
    }

    private static StoredRecord SealAs(RecordVersion version, WriteDraft draft)
    {
        var record = draft.Seal(version);
        return record.Version == version && record.Class == draft.Class && record.Slot == draft.Slot
            && record.Kind == draft.Kind && record.RequestId == draft.RequestId
            && record.Key.Span.SequenceEqual(draft.Key.Span)
            ? record
            : throw new InvalidOperationException("A draft's seal made a row of another write.");
    }

    private static HomeOutcome OutcomeOf(HomeCommit commit, int index) => commit.Results[index] switch
    {
        { Verdict: HomeVerdict.Done, Version: var version } =>
            new HomeOutcome(HomeOutcomeKind.Done, version, commit.TransactionId),
        { Verdict: HomeVerdict.Repeated, Version: var version } =>
            new HomeOutcome(HomeOutcomeKind.Repeated, version, commit.TransactionId),
        { Version: var version } => new HomeOutcome(HomeOutcomeKind.Conflict, version, 0),
    };

    private void Finish(WaitingWrite write, HomeOutcome outcome)
    {
        if (write.TryFinish(outcome))
            Count(outcome);
    }

    private HomeOutcome Count(HomeOutcome outcome)
    {
        _metrics.Written(outcome.Kind);
        return outcome;
    }

    [LoggerMessage(LogLevel.Warning, "A batch of {Writes} writes was not done: {Why}")]
    private partial void LogNotDone(int writes, string why);

    [LoggerMessage(LogLevel.Warning, "It is not known whether a batch of {Writes} writes was done: {Why}")]
    private partial void LogUnknown(int writes, string why);

    [LoggerMessage(LogLevel.Error, "Writes failed")]
    private partial void LogBug(Exception e);
}
