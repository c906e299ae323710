using System.Buffers;
using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Keeps every decision: the latest in memory, all on disk. One writer commits in groups: who needs durability waits
/// for the group's flush, the others for nothing. When the disk fails, regulated requests are refused and the others
/// counted.
/// </summary>
internal sealed partial class DecisionLog : BackgroundService
{
    private const int GroupMax = 512;
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);

    // What nobody waits for is written together: waking the writer costs more than a record.
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(10);

    // Longer than any disk's worst flush and shorter than any caller's patience.
    private static readonly TimeSpan DurableTimeout = TimeSpan.FromSeconds(5);

    private readonly SegmentStore _store;
    private readonly RoutingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<DecisionLog> _logger;
    private readonly RoutingMetrics _metrics;
    private readonly Channel<Entry> _queue;
    private readonly ConcurrentDictionary<string, DecisionDraft> _recent = new();
    private readonly ConcurrentQueue<string> _order = new();
    private TaskCompletionSource _urgent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _failing;

    public DecisionLog(
        SegmentStore store, IOptions<RoutingOptions> options, TimeProvider time, RoutingMetrics metrics,
        ILogger<DecisionLog> logger)
    {
        (_store, _options, _time, _metrics, _logger) = (store, options.Value, time, metrics, logger);
        _queue = Channel.CreateBounded<Entry>(
            new BoundedChannelOptions(_options.RecentDecisionsMax) { SingleReader = true });
        if (store.BytesCut > 0)
            LogTornTailCut(store.BytesCut);
    }

    /// <summary>Records the decision as it stands and waits until it is on the disk; false when it can't be.</summary>
    public async Task<bool> WriteDurablyAsync(DecisionDraft draft, CancellationToken cancellation)
    {
        Entry entry = new(draft.ToDecision(), null, new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!_queue.Writer.TryWrite(entry) || entry.Durable is null)
            return false;
        Volatile.Read(ref _urgent).TrySetResult();
        try
        {
            return await entry.Durable.Task.WaitAsync(DurableTimeout, _time, cancellation);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Records the decision at its end; nobody waits.</summary>
    public void Write(DecisionDraft ended)
    {
        // A second router's part has its origin's id, so in one process (tests) both parts differ by region only.
        if (_recent.TryAdd(ended.Id, ended))
            _order.Enqueue(ended.Id);
        else
            _recent[ended.Id] = ended;
        while (_order.Count > _options.RecentDecisionsMax && _order.TryDequeue(out string? oldest))
            _recent.TryRemove(oldest, out _);
        if (!_queue.Writer.TryWrite(new Entry(null, ended, null)))
            _metrics.DecisionsLost.Add(1);
        if (_queue.Reader.Count >= _options.RecentDecisionsMax / 2)
            Volatile.Read(ref _urgent).TrySetResult();
    }

    /// <summary>A decision by its id, from memory or disk; null when there is none.</summary>
    public V1.Decision? Find(string id)
    {
        if (_recent.TryGetValue(id, out DecisionDraft? draft))
            return draft.ToDecision();
        // Its records were written between its creation and its latest possible end, a group's flush and clock skew
        // apart.
        return DecisionId.TryParse(id, out _, out DateTimeOffset time)
            ? _store.Find(id, time - TimeSpan.FromMinutes(1), time + _options.DeadlineMax + TimeSpan.FromMinutes(1))
            : null;
    }

    /// <summary>How the record of a decision can be proved; null: it is not on the disk here.</summary>
    public V1.DecisionAnchor? AnchorOf(string id)
    {
        if (!DecisionId.TryParse(id, out _, out DateTimeOffset time))
            return null;
        _store.Find(id, time - TimeSpan.FromMinutes(1), time + _options.DeadlineMax + TimeSpan.FromMinutes(1),
            out SegmentFile? segment);
        return segment is null ? null : SegmentProof.Of(segment, _store.IsOpen(segment));
    }

    public override void Dispose()
    {
        base.Dispose();
        _store.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ArrayBufferWriter<byte> buffer = new(64 << 10);
        List<Entry> group = new(GroupMax);
        bool dirty = false;
        long flushedAt = _time.GetTimestamp();
        try
        {
            while (true)
            {
                Task<bool> ready = _queue.Reader.WaitToReadAsync(stoppingToken).AsTask();
                if (dirty && !ready.IsCompleted)
                    await Task.WhenAny(ready, Task.Delay(FlushInterval, _time, stoppingToken));
                if (dirty && _time.GetElapsedTime(flushedAt) >= FlushInterval)
                    (dirty, flushedAt) = (!TryFlush(), _time.GetTimestamp());
                if (!await ready)
                    return;
                // Made before the queue is emptied: who comes afterwards and must not wait finds this one.
                TaskCompletionSource urgent = new(TaskCreationOptions.RunContinuationsAsynchronously);
                Volatile.Write(ref _urgent, urgent);
                while (Commit(buffer, group))
                    dirty = true;
                await Task.WhenAny(urgent.Task, Task.Delay(GatherTime, _time, stoppingToken));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            while (Commit(buffer, group)) // what was decided before the stop is still recorded
            {
            }
            TryFlush();
        }
    }

    /// <summary>Writes what waits, as one group; true when something was written.</summary>
    private bool Commit(ArrayBufferWriter<byte> buffer, List<Entry> group)
    {
        buffer.ResetWrittenCount();
        group.Clear();
        bool durable = false;
        while (group.Count < GroupMax && _queue.Reader.TryRead(out Entry? entry))
        {
            group.Add(entry);
            durable |= entry.Durable is not null;
            if ((entry.Decision ?? entry.Ended?.ToDecision()) is { } decision)
                SegmentFrame.Write(buffer, decision);
        }
        if (group.Count == 0)
            return false;
        bool written = TryWrite(buffer.WrittenSpan, durable);
        if (!written)
            _metrics.DecisionsLost.Add(group.Count(e => e.Durable is null));
        foreach (Entry entry in group)
            entry.Durable?.TrySetResult(written);
        return true;
    }

    private bool TryWrite(ReadOnlySpan<byte> records, bool flush)
    {
        try
        {
            _store.Append(records);
            if (flush)
                _store.Flush();
            if (_failing)
                LogRecovered();
            _failing = false;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
                LogFailing(e);
            _failing = true;
            return false;
        }
    }

    private bool TryFlush()
    {
        try
        {
            _store.Flush();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFailing(e);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Cut {Bytes} torn bytes from the last decision segment")]
    private partial void LogTornTailCut(long bytes);

    [LoggerMessage(LogLevel.Error, "Decisions cannot be written: regulated requests are refused until they can")]
    private partial void LogFailing(Exception e);

    [LoggerMessage(LogLevel.Information, "Decisions are written again")]
    private partial void LogRecovered();

    private sealed record Entry(V1.Decision? Decision, DecisionDraft? Ended, TaskCompletionSource<bool>? Durable);
}
