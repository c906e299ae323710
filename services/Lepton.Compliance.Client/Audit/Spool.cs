using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// Events on their way to the log. Who writes while another's flush goes on shares the next one (group commit). It
/// needs no host: it takes events before the host has started and after it has stopped.
/// </summary>
internal sealed partial class Spool : IDisposable
{
    private const int GroupEventsMax = 512, GroupBytesMax = 1 << 20;

    // Nearly every event is smaller than this.
    private const int FullMargin = 4 << 10;

    private readonly ConcurrentQueue<Entry> _queue = new();
    private readonly List<Entry> _group = new(GroupEventsMax);
    private readonly SpoolFiles _files;
    private readonly AuditOptions _options;
    private readonly AuditMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<Spool> _logger;
    private readonly Lock _committing = new();
    private readonly SemaphoreSlim _wake = new(0);

    // A thread of its own: a pool whose threads are all busy must not hold up those who wait for their event.
    private readonly Thread _writer;
    private byte[] _buffer = new byte[64 << 10];
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _queued, _woken, _closed;
    private volatile Exception? _fault;

    public Spool(SpoolFiles files, IOptions<AuditOptions> options, AuditMetrics metrics, TimeProvider time,
        ILogger<Spool> logger)
    {
        (_files, _options, _metrics, _time, _logger) = (files, options.Value, metrics, time, logger);
        if (files.BytesCut > 0)
            LogTornTailCut(files.BytesCut);
        if (IsRing)
            LogRing(_options.SpoolBytesMax);
        _writer = new Thread(Run) { IsBackground = true, Name = "audit spool" };
        _writer.Start();
    }

    /// <summary>There is no log: the newest events are kept.</summary>
    public bool IsRing => _options.Nodes.Count == 0;

    /// <summary>Why nothing can be written now; null: it can.</summary>
    public string? Fault => _fault is { } fault ? fault.Message
        : !IsRing && _files.Bytes > _options.SpoolBytesMax - FullMargin
            ? "The spool has as much as it may (Audit:SpoolBytesMax)."
        : null;

    /// <summary>Completes at the next write.</summary>
    public Task Written => Volatile.Read(ref _written).Task;

    /// <summary>Returns when the event is on the disk.</summary>
    /// <exception cref="AuditUnavailableException">It isn't.</exception>
    public async ValueTask WriteAsync(byte[] payload, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryAdd(new Entry(payload, waiter)))
            throw Refused("queue_full", "More events wait for the disk than Audit:QueueMax.", null);
        try
        {
            await waiter.Task.WaitAsync(_options.WriteTimeMax, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw Refused("timeout", "The disk took longer than Audit:WriteTimeMax.", e);
        }
    }

    /// <summary>Writes it soon; false: dropped.</summary>
    public bool Report(byte[] payload)
    {
        if (TryAdd(new Entry(payload, null)))
            return true;
        _metrics.Dropped("queue_full", 1);
        return false;
    }

    /// <summary>Tries the disk again after it failed, so that a process that is sent no work recovers too.</summary>
    public void Probe()
    {
        if (_fault is null)
            return;
        byte[] probe = new byte[SpoolFrame.HeaderBytes];
        SpoolFrame.Write(probe, []);
        lock (_committing)
            TryAppend(probe, 0);
    }

    /// <summary>Returns when everything added so far was written or dropped.</summary>
    public void Drain()
    {
        lock (_committing)
            CommitAll();
    }

    // Nothing is written any more, and who still comes is refused.
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
            return;
        _wake.Release();
        _writer.Join();
        _files.Dispose();
        _wake.Dispose();
    }

    private bool TryAdd(Entry entry)
    {
        if (Interlocked.Increment(ref _queued) > _options.QueueMax || Volatile.Read(ref _closed) != 0)
        {
            Interlocked.Decrement(ref _queued);
            return false;
        }
        _queue.Enqueue(entry);
        if (Interlocked.Exchange(ref _woken, 1) == 0)
            _wake.Release();
        return true;
    }

    private void Run()
    {
        while (Volatile.Read(ref _closed) == 0)
        {
            _wake.Wait();
            // Before the queue is emptied: who adds afterwards wakes this thread again.
            Interlocked.Exchange(ref _woken, 0);
            Drain();
        }
    }

    private void CommitAll()
    {
        while (TakeGroup(out int bytes))
        {
            long startedAt = _time.GetTimestamp();
            Exception? fault = MakeRoom(ref bytes);
            int kept = 0;
            foreach (Entry entry in _group)
            {
                kept += entry.Dropped ? 0 : 1;
            }
            if (bytes > 0)
                fault = TryAppend(Frames(bytes), kept) ?? fault;
            _metrics.Committed(kept, bytes > 0 && _fault is null, _time.GetElapsedTime(startedAt));
            Answer(fault);
            Interlocked.Add(ref _queued, -_group.Count);
        }
    }

    private bool TakeGroup(out int bytes)
    {
        _group.Clear();
        bytes = 0;
        while (_group.Count < GroupEventsMax && bytes < GroupBytesMax && _queue.TryDequeue(out Entry? entry))
        {
            _group.Add(entry);
            bytes += SpoolFrame.HeaderBytes + entry.Payload.Length;
        }
        return _group.Count > 0;
    }

    // Reports may fill seven eighths: a flood at the door must not shut out those whose work waits for its event.
    private AuditUnavailableException? MakeRoom(ref int bytes)
    {
        while (IsRing && _files.Bytes + bytes > _options.SpoolBytesMax && _files.DeleteOldest() is { } lost)
            _metrics.Dropped("ring", lost);
        if (IsRing || _files.Bytes + bytes <= _options.SpoolBytesMax / 8 * 7)
            return null;
        long room = _options.SpoolBytesMax - _files.Bytes;
        AuditUnavailableException? full = null;
        bytes = 0;
        foreach (Entry entry in _group)
        {
            int size = SpoolFrame.HeaderBytes + entry.Payload.Length;
            entry.Dropped = entry.Waiter is null || bytes + size > room;
            if (!entry.Dropped)
                bytes += size;
            else if (entry.Waiter is not null)
                full ??= new AuditUnavailableException("The spool has as much as it may (Audit:SpoolBytesMax).");
        }
        return full;
    }

    private ReadOnlySpan<byte> Frames(int bytes)
    {
        if (_buffer.Length < bytes)
            _buffer = new byte[Math.Max(bytes, _buffer.Length * 2)];
        int at = 0;
        foreach (Entry entry in _group)
            if (!entry.Dropped)
            {
                SpoolFrame.Write(_buffer.AsSpan(at), entry.Payload);
                at += SpoolFrame.HeaderBytes + entry.Payload.Length;
            }
        return _buffer.AsSpan(0, at);
    }

    private Exception? TryAppend(ReadOnlySpan<byte> frames, int events)
    {
        try
        {
            _files.Append(frames, events);
            if (_fault is not null)
                LogRecovered();
            _fault = null;
            TaskCompletionSource written = Interlocked.Exchange(
                ref _written, new(TaskCreationOptions.RunContinuationsAsynchronously));
            written.SetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (_fault is null)
                LogFailing(e);
            _fault = e;
        }
        return _fault;
    }

    private void Answer(Exception? fault)
    {
        int dropped = 0;
        foreach (Entry entry in _group)
        {
            bool lost = entry.Dropped || _fault is not null;
            if (entry.Waiter is null)
                dropped += lost ? 1 : 0;
            else if (lost)
                entry.Waiter.TrySetException(Refused(
                    entry.Dropped ? "spool_full" : "disk", fault?.Message ?? "The event is not on the disk.", fault));
            else
                entry.Waiter.TrySetResult();
        }
        if (dropped > 0)
            _metrics.Dropped(_fault is null ? "spool_full" : "disk", dropped);
    }

    private AuditUnavailableException Refused(string reason, string message, Exception? cause)
    {
        _metrics.Refused(reason);
        return new AuditUnavailableException(message, cause);
    }

    [LoggerMessage(LogLevel.Warning, "Cut {Bytes} torn bytes from the audit spool's last segment")]
    private partial void LogTornTailCut(long bytes);

    [LoggerMessage(LogLevel.Warning,
        "No audit log is configured (Audit:Nodes): the newest {Bytes} bytes of events stay in the spool, others go")]
    private partial void LogRing(long bytes);

    [LoggerMessage(LogLevel.Error,
        "Audit events cannot be kept: regulated and management work is refused until they can")]
    private partial void LogFailing(Exception e);

    [LoggerMessage(LogLevel.Information, "Audit events are kept again")]
    private partial void LogRecovered();

    private sealed class Entry(byte[] payload, TaskCompletionSource? waiter)
    {
        public byte[] Payload { get; } = payload;

        public TaskCompletionSource? Waiter { get; } = waiter;

        public bool Dropped { get; set; }
    }
}
