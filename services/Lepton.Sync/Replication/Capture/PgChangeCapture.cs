using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Lepton.Sync.Records;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Lepton.Sync.Replication.Capture;

/// <summary>
/// PostgreSQL's logical decoding (pgoutput, protocol 1: whole transactions in commit order). The slot confirms only
/// what <see cref="ConfirmAsync"/> said; Npgsql answers the server's keepalives while we wait, and by a timer while we
/// do not read, so that neither a synchronous commit nor a shutdown waits for us for longer.
/// </summary>
internal sealed partial class PgChangeCapture(
    PgCaptureSlot slot, ReplicationOptions options, ReplicationMetrics metrics, TimeProvider time,
    ILogger<PgChangeCapture> logger) : IChangeCapture
{
    // A transaction beyond either is handed out in pieces: memory holds one piece.
    private const int PieceRecordsMax = 1000;
    private const int PieceBytesMax = 4 << 20;

    // Beside the marks in the log, where the log ends is looked at this often while nothing comes.
    private static readonly TimeSpan QuietInterval = TimeSpan.FromSeconds(1);

    private volatile LogicalReplicationConnection? _streaming;
    private string _timeline = "";
    private ulong _confirmed;

    public async IAsyncEnumerable<CaptureEvent> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var place = await slot.EnsureAsync(cancellationToken);
        await using var replication = new LogicalReplicationConnection(slot.ConnectionString);
        await replication.Open(cancellationToken);
        var system = await replication.IdentifySystem(cancellationToken);
        var timeline = string.Create(
            CultureInfo.InvariantCulture, $"{system.SystemId}-{place.DatabaseOid}-{place.Generation:N}");
        if (place.LostBecause is { } reason)
        {
            LogLost(reason);
            metrics.CaptureLosses.Add(1);
            yield return new CaptureLost(reason);
        }
        Begin(timeline, place.Position);
        yield return new CaptureBegun(timeline, place.Position, place.LogEnd);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var messages = replication.StartReplication(
            new PgOutputReplicationSlot(slot.Name),
            new PgOutputReplicationOptions(options.Publication, PgOutputProtocolVersion.V1, binary: true,
                messages: true),
            cancellationToken);
        replication.SetReplicationStatus(new NpgsqlLogSequenceNumber(Volatile.Read(ref _confirmed)));
        _streaming = replication;
        var beating = BeatAsync(ending.Token);
        try
        {
            await foreach (var told in DecodeAsync(replication, messages, place.Position, cancellationToken))
                yield return told;
        }
        finally
        {
            _streaming = null;
            await ending.CancelAsync();
            await beating;
        }
    }

    public async Task ConfirmAsync(LogPosition position, CancellationToken cancellationToken)
    {
        if (position.Value <= Volatile.Read(ref _confirmed))
            return;
        Volatile.Write(ref _confirmed, position.Value);
        if (_streaming is not { } streaming)
            return; // the next stream begins with it
        try
        {
            streaming.SetReplicationStatus(new NpgsqlLogSequenceNumber(position.Value));
            await streaming.SendStatusUpdate(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException or IOException)
        {
            LogNotConfirmed(e); // the stream is ending, and its reader hears why
        }
    }

    private void Begin(string timeline, LogPosition position)
    {
        // What was confirmed on another timeline says nothing about this one.
        if (timeline != _timeline)
            Volatile.Write(ref _confirmed, 0);
        _timeline = timeline;
        Volatile.Write(ref _confirmed, Math.Max(Volatile.Read(ref _confirmed), position.Value));
    }

    private async IAsyncEnumerable<CaptureEvent> DecodeAsync(LogicalReplicationConnection replication,
        IAsyncEnumerable<PgOutputReplicationMessage> messages, LogPosition from,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var rows = new PgRowReader(() => slot.ConnectionString);
        var piece = new Piece();
        var last = from;
        await using var reading = messages.GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            var next = reading.MoveNextAsync().AsTask(); // allocates nothing where the message is here already
            while (!next.IsCompleted && !await WaitAsync(next, cancellationToken))
            {
                // Between transactions the one message that may be on its way is of none that we have not seen the
                // beginning of, so everything before where the server is has come.
                var quiet = new LogPosition((ulong)replication.LastReceivedLsn);
                if (!piece.IsOpen && quiet > last)
                    yield return new CaptureMark(last = quiet, null);
            }
            if (!await next)
                yield break;
            switch (reading.Current)
            {
                case BeginMessage begin:
                    piece.Open(begin);
                    break;
                case RelationMessage relation:
                    rows.Learn(relation);
                    break;
                case InsertMessage insert:
                    piece.Add(await rows.ReadAsync(insert.Relation, insert.NewRow, cancellationToken));
                    break;
                case UpdateMessage update:
                    piece.Add(await rows.ReadAsync(update.Relation, update.NewRow, cancellationToken));
                    break;
                case CommitMessage commit:
                    last = new LogPosition((ulong)commit.TransactionEndLsn);
                    metrics.Captured.Add(piece.Count);
                    yield return piece.Close(last);
                    break;
                case LogicalDecodingMessage { Prefix: PgCaptureSlot.MessagePrefix } mark:
                    if (new LogPosition((ulong)mark.MessageLsn) is var marked && marked > last)
                        last = marked;
                    yield return new CaptureMark(last, await ReadTimeAsync(mark.Data, cancellationToken));
                    break;
                default:
                    break;
            }
            if (piece.IsFull)
            {
                metrics.Captured.Add(piece.Count);
                yield return piece.Cut();
            }
        }
    }

    private async Task<bool> WaitAsync(Task next, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var done = await Task.WhenAny(next, Task.Delay(QuietInterval, time, waiting.Token));
        await waiting.CancelAsync();
        return done == next || next.IsCompleted;
    }

    private static async Task<DateTimeOffset?> ReadTimeAsync(Stream data, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(data, Encoding.ASCII);
        var text = await reader.ReadToEndAsync(cancellationToken);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var micros)
            ? DateTimeOffset.UnixEpoch.AddMicroseconds(micros)
            : null;
    }

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.HeartbeatInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    await slot.MarkAsync(cancellationToken);
                }
                catch (Exception e) when (e is NpgsqlException or InvalidOperationException or IOException)
                {
                    LogNoMark(e); // the stream of the same server ends too, and its reader hears why
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The stream is over.
        }
    }

    private sealed class Piece
    {
        private List<StoredRecord> _records = [];
        private BeginMessage? _begin;
        private uint _transactionId;
        private LogPosition _final;
        private DateTimeOffset _commitTime;
        private long _bytes;

        public bool IsOpen => _begin is not null;

        public bool IsFull => _records.Count >= PieceRecordsMax || _bytes >= PieceBytesMax;

        public int Count => _records.Count;

        // Npgsql uses its messages again: what is needed later is taken now.
        public void Open(BeginMessage begin)
        {
            _begin = begin;
            _transactionId = begin.TransactionXid;
            _final = new LogPosition((ulong)begin.TransactionFinalLsn);
            _commitTime = new DateTimeOffset(begin.TransactionCommitTimestamp.ToUniversalTime(), TimeSpan.Zero);
        }

        public void Add(StoredRecord? record)
        {
            if (record is null)
                return;
            _records.Add(record);
            _bytes += record.Key.Length + record.Body.Length;
        }

        public CapturedTransaction Close(LogPosition position)
        {
            _begin = null;
            return Take(position, isComplete: true);
        }

        // Within the commit record: after everything before it (which may end where it begins), before its own end.
        public CapturedTransaction Cut() => Take(new LogPosition(_final.Value + 1), isComplete: false);

        private CapturedTransaction Take(LogPosition position, bool isComplete)
        {
            var taken = new CapturedTransaction(_transactionId, position, _commitTime, _records)
            {
                IsComplete = isComplete,
            };
            (_records, _bytes) = ([], 0);
            return taken;
        }
    }

    [LoggerMessage(LogLevel.Error, "Change capture lost its place: {Reason}. Every receiver copies")]
    private partial void LogLost(string reason);

    [LoggerMessage(LogLevel.Debug, "A position could not be confirmed now")]
    private partial void LogNotConfirmed(Exception e);

    [LoggerMessage(LogLevel.Debug, "No mark could be written into the log")]
    private partial void LogNoMark(Exception e);
}
