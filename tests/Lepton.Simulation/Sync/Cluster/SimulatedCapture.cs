using System.Runtime.CompilerServices;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Storage;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>The decoded log of a simulated database, some transactions in pieces, as PostgreSQL's comes.</summary>
internal sealed class SimulatedCapture(
    SimulatedDatabase database, TimeSpan markInterval, TimeProvider time, Random random) : IChangeCapture
{
    public async IAsyncEnumerable<CaptureEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var life = await database.Store.ReadAsync(() => database.Store.Life, cancellationToken);
        if (database.TakeLoss())
            yield return new CaptureLost("the simulated slot was dropped");
        var (timeline, last) = (database.Timeline, database.Confirmed);
        yield return new CaptureBegun(timeline, last, database.Rows.LogEnd);
        var markedAt = time.GetTimestamp();
        while (true)
        {
            var more = database.Changed.Next;
            if (database.Store.Life != life || database.Timeline != timeline)
                throw new DatabaseUnavailableException("The simulated log's stream broke.");
            var log = database.Rows.Log;
            for (var at = First(last); at < log.Count; at++)
                foreach (var piece in Pieces(log[at], last))
                {
                    last = piece.Position;
                    yield return piece;
                }
            var left = markInterval - time.GetElapsedTime(markedAt);
            if (left <= TimeSpan.Zero && database.Store.Life == life && database.Timeline == timeline)
            {
                // In the log: all that was committed before has come out, or comes before it.
                if (First(last) < log.Count)
                    continue;
                markedAt = time.GetTimestamp();
                yield return new CaptureMark(last = database.Rows.Mark(), time.GetUtcNow());
                continue;
            }
            await AsyncSignal.WaitAnyAsync(more, more, left, time, cancellationToken);
        }
    }

    public Task ConfirmAsync(LogPosition position, CancellationToken cancellationToken)
    {
        database.Confirm(database.Timeline, position);
        return Task.CompletedTask;
    }

    // Of the log's transactions the first after a position: most often there is none.
    private int First(LogPosition last)
    {
        var log = database.Rows.Log;
        var at = log.Count;
        while (at > 0 && log[at - 1].Position > last)
            at--;
        return at;
    }

    private IEnumerable<CapturedTransaction> Pieces(CapturedTransaction whole, LogPosition last)
    {
        // Positions of pieces are between the transaction before and its own.
        if (whole.Records.Count < 2 || whole.Position.Value < last.Value + 8 || random.Next(4) > 0)
            return [whole];
        var cut = random.Next(1, whole.Records.Count);
        return
        [
            whole with
            {
                Position = new LogPosition(whole.Position.Value - 1), IsComplete = false,
                Records = [.. whole.Records.Take(cut)],
            },
            whole with { Records = [.. whole.Records.Skip(cut)] },
        ];
    }
}
