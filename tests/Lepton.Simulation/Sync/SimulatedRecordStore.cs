using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Storage;

namespace Lepton.Simulation.Sync;

/// <summary>
/// A node's rows in memory, under the clock and the chance of a test. It crashes as a database does: a call that had
/// not given the order to commit is not done, one that had not heard the answer is unknown, whichever way it went.
/// </summary>
/// <param name="time">Whose clock the pauses run by.</param>
/// <param name="random">Draws the pauses.</param>
/// <param name="pauseMax">Longest pause before, within and after a commit; zero: each call is done when it
/// returns.</param>
internal sealed class SimulatedRecordStore(TimeProvider time, Random random, TimeSpan pauseMax = default)
    : IRecordStore
{
    private readonly SimulatedRows _rows = new(time);
    private bool _isUp = true;
    private int _life;

    /// <summary>What is committed, for a test to look at.</summary>
    public SimulatedRows Rows => _rows;

    /// <summary>The server is gone, and with it all that was not committed; until <see cref="Restart"/> nobody
    /// answers.</summary>
    public void Crash() => (_isUp, _life) = (false, _life + 1);

    /// <summary>It is back, with what was committed.</summary>
    public void Restart() => _isUp = true;

    public Task<IReadOnlyList<StoredRecord?>> ReadAsync(
        ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<StoredRecord?>>(
            () => [.. keys.Select(k => _rows.Find(recordClass, k))], cancellationToken);

    public Task<HomeCommit> WriteAsync(IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken) =>
        CommitAsync(() => _rows.Write(writes), cancellationToken);

    public Task ApplyAsync(
        SourceProgress progress, IReadOnlyList<StoredRecord> records, CancellationToken cancellationToken) =>
        CommitAsync(() => _rows.Apply(progress, records), cancellationToken);

    public Task<IReadOnlyList<SourceProgress>> ReadProgressAsync(CancellationToken cancellationToken) =>
        ReadAsync(() => _rows.Progress, cancellationToken);

    public Task<IReadOnlyList<StoredRecord>> ScanAsync(
        ScanRange range, int limit, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<StoredRecord>>(() => [.. _rows.Scan(range).Take(limit)], cancellationToken);

    public Task<IReadOnlyList<StoredRecord>> ReadSealedAsync(
        IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<StoredRecord>>(
            () => [.. _rows.Sealed(keyIds, after).Take(limit)], cancellationToken);

    public Task<long> ReadGreatestClockAsync(CancellationToken cancellationToken) =>
        ReadAsync(() => _rows.GreatestClock, cancellationToken);

    public Task<int> DropTombstonesAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit,
        CancellationToken cancellationToken) =>
        CommitAsync(() => _rows.DropTombstones(recordClass, slots, before, limit), cancellationToken);

    public Task<int> ReplaceSlotAsync(
        ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken) =>
        CommitAsync(() => _rows.Replace(recordClass, slot, rows), cancellationToken);

    private async Task<T> ReadAsync<T>(Func<T> read, CancellationToken cancellationToken)
    {
        int life = Enter(cancellationToken);
        await PauseAsync(cancellationToken);
        RequireNotDone(life);
        var result = read();
        await PauseAsync(cancellationToken);
        RequireNotDone(life);
        return result;
    }

    private async Task<T> CommitAsync<T>(Func<T> change, CancellationToken cancellationToken)
    {
        int life = Enter(cancellationToken);
        await PauseAsync(cancellationToken);
        RequireNotDone(life);
        await PauseAsync(CancellationToken.None); // the order to commit is on its way
        RequireKnown(life);
        var result = change();
        await PauseAsync(CancellationToken.None); // and its answer
        RequireKnown(life);
        return result;
    }

    private int Enter(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _isUp ? _life : throw new DatabaseUnavailableException("The simulated database is down.");
    }

    private Task PauseAsync(CancellationToken cancellationToken) => pauseMax == TimeSpan.Zero
        ? Task.CompletedTask
        : Task.Delay(pauseMax * random.NextDouble(), time, cancellationToken);

    private void RequireNotDone(int life)
    {
        if (life != _life)
            throw new DatabaseUnavailableException("The simulated database crashed.");
    }

    private void RequireKnown(int life)
    {
        if (life != _life)
            throw new DatabaseOutcomeUnknownException("The simulated database crashed during a commit.");
    }
}
