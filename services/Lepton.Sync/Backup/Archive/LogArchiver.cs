using Lepton.Sync.Backup.Wire;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Backup.Archive;

/// <summary>How the archiving stands.</summary>
/// <param name="Line">What is archived; null: nothing yet.</param>
/// <param name="SavedTo">Everything of the line before it that the server still had is saved.</param>
/// <param name="ServerEnd">The end of the server's log, as last heard.</param>
/// <param name="CaughtUpAt">This machine's timestamp of when the archive last held everything; null: not yet.</param>
/// <param name="Fault">Why it does not run now; null: it runs.</param>
internal sealed record ArchiveState(
    OpenLine? Line, LogPosition SavedTo, LogPosition ServerEnd, long? CaughtUpAt, BackupException? Fault);

/// <summary>
/// Keeps the server's write-ahead log: streams it through a physical slot, which makes the server keep what is not
/// saved, and confirms a position only when it is durable in the store. Begins again after any failure,
/// where it stopped.
/// </summary>
internal sealed partial class LogArchiver(
    LogArchive archive, IOptions<BackupOptions> options, IOptions<StorageOptions> storage, BackupMetrics metrics,
    TimeProvider time, ILogger<LogArchiver> logger) : BackgroundService
{
    private const string LogRemoved = "58P01"; // undefined_file: the server no longer has that part
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(500), PauseMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ConfirmInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private volatile ArchiveState _state = new(null, default, default, null, null);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _wanted;
    private bool _lost;
    private bool _isTidy;

    public ArchiveState State => _state;

    /// <summary>Waits until the log is saved up to a position; it is saved at once, not at the next interval.</summary>
    /// <exception cref="BackupException">The archive now follows another line.</exception>
    public async Task WaitSavedAsync(OpenLine line, LogPosition position, CancellationToken cancellationToken)
    {
        InterlockedMax(position.Value);
        for (; ; )
        {
            var changed = _changed.Task;
            var state = _state;
            if (state.Line is { } now && now.Line.Prefix != line.Line.Prefix)
                throw new BackupException(
                    BackupFault.LogGap, "The server began another timeline while its backup was made.");
            if (state.SavedTo >= position)
                return;
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until the archive follows the server's present line.</summary>
    public async Task<OpenLine> WaitLineAsync(
        string systemId, uint timeline, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            var changed = _changed.Task;
            if (_state.Line is { } line && line.Line.SystemId == systemId && line.Line.Timeline == timeline)
                return line;
            await changed.WaitAsync(cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Enabled)
            return;
        var pause = PauseMin;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await StreamAsync(stoppingToken);
                pause = PauseMin; // a timeline ended: the next
                continue;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (AsFault(e) is { } fault)
            {
                pause = _state.Fault is null ? PauseMin : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, PauseMax.Ticks));
                Publish(_state with { Fault = fault });
                _lost |= fault.SqlState == LogRemoved;
                metrics.Failed("archive", fault.Fault.ToString());
                LogFailed(fault.Message);
                if (fault.Fault is BackupFault.StoreFull or BackupFault.StoreUnavailable)
                    await SpareServerAsync(stoppingToken);
            }
            try
            {
                await Task.Delay(pause, time, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static BackupException? AsFault(Exception e) => e switch
    {
        BackupException fault => fault,
        NpgsqlException or IOException or TimeoutException or InvalidDataException =>
            new BackupException(BackupFault.ServerUnavailable, $"The database server does not answer: {e.Message}", e),
        _ => null,
    };

    private async Task StreamAsync(CancellationToken cancellationToken)
    {
        var connection = storage.Value.ReadConnection();
        var segmentBytes = await LogSlot.ReadSegmentBytesAsync(connection, cancellationToken);
        await using var link = await ReplicationLink.OpenAsync(
            connection, options.Value.SilenceMax, time, cancellationToken);
        var server = await ServerIdentity.ReadAsync(link, cancellationToken);
        if (!_isTidy)
            await archive.TidyAsync(cancellationToken);
        _isTidy = true;
        var line = await archive.EnsureAsync(server.SystemId, server.Timeline, segmentBytes, cancellationToken);
        var (slotAt, wasLost) = await LogSlot.EnsureAsync(link, options.Value.Slot, cancellationToken);
        _lost |= wasLost;
        var kept = line.Line.SegmentOf(slotAt);
        var pieces = await archive.PiecesAsync(line.Line.Prefix, cancellationToken);
        var from = kept;
        if (pieces is [.., var last])
        {
            if (last.End > server.Flushed)
                throw new BackupException(
                    BackupFault.Invalid, $"The server's log ends at {PositionText.Of(server.Flushed)}, before the "
                    + $"archive of it at {PositionText.Of(last.End)}: it was put back without a new timeline. Take a "
                    + "new Sync:Backup:Directory, or restore with backup restore.");
            from = _lost && kept > last.End ? kept : last.End;
            if (from > last.End)
            {
                metrics.Gaps.Add(1);
                LogGapFound(PositionText.Of(last.End), PositionText.Of(from));
            }
        }
        await LogStream.StartAsync(link, options.Value.Slot, from, server.Timeline, cancellationToken);
        Publish(new ArchiveState(line, from, server.Flushed, null, null));
        await SaveAllAsync(link, line, new LogBuffer(options.Value.PieceBytesMax, from), cancellationToken);
    }

    private async Task SaveAllAsync(
        ReplicationLink link, OpenLine line, LogBuffer buffer, CancellationToken cancellationToken)
    {
        var confirmedAt = time.GetTimestamp();
        Task<LogMessage?>? next = null;
        var tick = Task.CompletedTask;
        for (; ; )
        {
            next ??= LogStream.ReadAsync(link, cancellationToken);
            if (tick.IsCompleted)
                tick = Task.Delay(Tick, time, cancellationToken);
            await Task.WhenAny(next, tick);
            var isAsked = false;
            if (next.IsCompleted)
            {
                if (await next is not { } message)
                {
                    await SaveAsync(line, buffer, cancellationToken);
                    return;
                }
                await TakeAsync(line, buffer, message, cancellationToken);
                _lost = false;
                isAsked = message.WantsAnswer;
                next = null;
            }
            var isSaving = isAsked || IsDue(buffer);
            if (isSaving)
                await SaveAsync(line, buffer, cancellationToken);
            var isBeat = time.GetElapsedTime(confirmedAt) >= ConfirmInterval;
            if (!isSaving && !isBeat)
                continue;
            // A server that is silent for want of news answers the beat: else it is gone.
            await LogStream.ConfirmAsync(link, buffer.End, buffer.Start, time, isBeat, cancellationToken);
            confirmedAt = time.GetTimestamp();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private bool IsDue(LogBuffer buffer) => !buffer.IsEmpty
        && (time.GetElapsedTime(buffer.Since) >= options.Value.SaveInterval
            || Interlocked.Read(ref _wanted) > buffer.Start.Value);

    private async Task TakeAsync(
        OpenLine line, LogBuffer buffer, LogMessage message, CancellationToken cancellationToken)
    {
        if (!message.Bytes.IsEmpty && message.Start != buffer.End)
            throw new BackupException(
                BackupFault.LogGap,
                $"The server sent {PositionText.Of(message.Start)} after {PositionText.Of(buffer.End)}.");
        for (var rest = message.Bytes; !rest.IsEmpty;)
        {
            rest = rest[buffer.Take(rest.Span, message.ServerTime, time.GetTimestamp())..];
            if (buffer.IsFull)
                await SaveAsync(line, buffer, cancellationToken);
        }
        var isWhole = buffer.IsEmpty && buffer.Start >= message.ServerEnd;
        Publish(_state with
        {
            ServerEnd = message.ServerEnd, CaughtUpAt = isWhole ? time.GetTimestamp() : _state.CaughtUpAt,
        });
    }

    private async Task SaveAsync(OpenLine line, LogBuffer buffer, CancellationToken cancellationToken)
    {
        if (buffer.IsEmpty)
            return;
        var piece = await archive.SaveAsync(line, buffer.Start, buffer.Bytes, buffer.LastTime, cancellationToken);
        buffer.Saved();
        metrics.Saved(piece.Bytes);
        Publish(_state with
        {
            SavedTo = piece.End,
            CaughtUpAt = piece.End >= _state.ServerEnd ? time.GetTimestamp() : _state.CaughtUpAt,
        });
    }

    /// <summary>A store that takes nothing must not fill the database's disk.</summary>
    private async Task SpareServerAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var link = await ReplicationLink.OpenAsync(
                storage.Value.ReadConnection(), options.Value.SilenceMax, time, cancellationToken);
            if (await LogSlot.DropBeyondAsync(
                link, options.Value.Slot, options.Value.ServerLogBytesMax, cancellationToken) is not { } kept)
                return;
            _lost = true;
            LogSlotDropped(kept);
        }
        catch (BackupException e)
        {
            LogFailed(e.Message); // it is tried again after the next failure
        }
    }

    private void InterlockedMax(ulong value)
    {
        for (var seen = Interlocked.Read(ref _wanted); seen < value;)
        {
            var before = Interlocked.CompareExchange(ref _wanted, value, seen);
            seen = before == seen ? value : before;
        }
    }

    private void Publish(ArchiveState state)
    {
        _state = state;
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    [LoggerMessage(LogLevel.Warning, "The log is not archived; it is tried again: {Why}")]
    private partial void LogFailed(string why);

    [LoggerMessage(LogLevel.Error, "The archived log has a gap from {From} to {To}: no restore crosses it. A new base "
        + "backup is needed.")]
    private partial void LogGapFound(string from, string to);

    [LoggerMessage(LogLevel.Error, "The backup's slot was dropped: the server had kept {Bytes} bytes of log that could "
        + "not be saved. A new base backup is needed.")]
    private partial void LogSlotDropped(ulong bytes);
}
