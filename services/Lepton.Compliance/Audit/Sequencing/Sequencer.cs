using System.Threading.Channels;
using Lepton.Compliance.Audit.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Compliance.Audit.Sequencing;

/// <summary>What became of a batch.</summary>
/// <param name="Sequence">Of its last new entry; 0: none was new.</param>
/// <param name="Size">The log's size with it: what a copy must have for it to have two.</param>
internal sealed record AppendResult(long Sequence, long Size);

/// <summary>More waits than may.</summary>
internal sealed class LogOverloadedException(string message) : Exception(message);

/// <summary>
/// The one writer of the log: takes batches from all streams, in the order in which they came, and writes what waits in
/// one transaction. What arrives while it commits is the next. Its connection holds the log's advisory lock: if it is
/// lost, so is the transaction, and nothing else of this process could write.
/// </summary>
internal sealed partial class Sequencer(
    LogWriter writer, IOptions<AuditOptions> options, AuditMetrics metrics, ILogger<Sequencer> logger)
{
    private readonly Channel<Waiting> _channel = Channel.CreateUnbounded<Waiting>(
        new UnboundedChannelOptions { SingleReader = true }); // bounded by entries, below
    private int _waiting;

    /// <summary>Entries that wait.</summary>
    public int WaitingCount => Volatile.Read(ref _waiting);

    /// <summary>Writes a batch, whole or not at all.</summary>
    /// <exception cref="LogOverloadedException">Too many wait; nothing was written.</exception>
    /// <exception cref="LogUnavailableException">
    /// The log cannot be written now. It may have been, if the connection was lost as it committed: a repetition is
    /// known by its events' ids.
    /// </exception>
    public async Task<AppendResult> AppendAsync(
        IReadOnlyList<PreparedEvent> events, CancellationToken cancellationToken)
    {
        if (!writer.IsOpen)
            throw new LogUnavailableException(writer.WhyClosed);
        if (Interlocked.Add(ref _waiting, events.Count) > options.Value.WaitingEntriesMax)
        {
            Interlocked.Add(ref _waiting, -events.Count);
            metrics.Came("overloaded", events.Count);
            throw new LogOverloadedException(
                $"{options.Value.WaitingEntriesMax} events wait: Compliance:Audit:WaitingEntriesMax.");
        }
        Waiting waiting = new(events);
        _channel.Writer.TryWrite(waiting);
        return await waiting.Done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Writes until the connection is lost or it is cancelled. The log is open.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<Waiting> batch = [];
        try
        {
            while (await _channel.Reader.WaitToReadAsync(cancellationToken))
            {
                batch.Clear();
                Take(batch);
                var results = await writer.WriteAsync([.. batch.Select(w => w.Events)], cancellationToken);
                for (var i = 0; i < batch.Count; i++)
                    Finish(batch[i], w => w.TrySetResult(results[i]));
            }
        }
        catch (Exception e) when (AuditDatabase.IsUnavailable(e) || e is PostgresException or InvalidOperationException)
        {
            LogLost(e);
            LogUnavailableException lost = new($"The audit log's database does not answer: {e.Message}", e);
            foreach (var waiting in batch)
                Finish(waiting, w => w.TrySetException(lost));
            Refuse(lost);
            throw new LogUnavailableException(lost.Message, e);
        }
        finally
        {
            Refuse(new LogUnavailableException("The audit log stops."));
            foreach (var waiting in batch.Where(w => !w.Done.Task.IsCompleted))
                Finish(waiting, w => w.TrySetException(new LogUnavailableException("The audit log stops.")));
        }
    }

    private void Take(List<Waiting> batch)
    {
        var entries = 0;
        while (_channel.Reader.TryPeek(out var next)
            && (batch.Count == 0 || entries + next.Events.Count <= options.Value.BatchEntriesMax))
        {
            _channel.Reader.TryRead(out _);
            batch.Add(next);
            entries += next.Events.Count;
        }
    }

    private void Refuse(LogUnavailableException why)
    {
        while (_channel.Reader.TryRead(out var waiting))
            Finish(waiting, w => w.TrySetException(why));
    }

    private void Finish(Waiting waiting, Action<TaskCompletionSource<AppendResult>> how)
    {
        Interlocked.Add(ref _waiting, -waiting.Events.Count);
        how(waiting.Done);
    }

    private sealed class Waiting(IReadOnlyList<PreparedEvent> events)
    {
        public IReadOnlyList<PreparedEvent> Events => events;

        public TaskCompletionSource<AppendResult> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(LogLevel.Error, "The audit log lost its database; it is opened again")]
    private partial void LogLost(Exception e);
}
