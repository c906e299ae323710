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
/// <param name="machine">On which it is a server of its own: what it was told goes on when the caller is killed.
/// </param>
internal sealed class SimulatedRecordStore(
    TimeProvider time, Random random, TimeSpan pauseMax = default, SimulatedMachine? machine = null)
    : IRecordStore
{
    private readonly SimulatedRows _rows = new(time);
    private int _life;

    /// <summary>What is committed, for a test to look at.</summary>
    public SimulatedRows Rows => _rows;

    /// <summary>The server is gone, and with it all that was not committed; until <see cref="Restart"/> nobody
    /// answers.</summary>
    public void Crash()
    {
        (IsUp, _life) = (false, _life + 1);
        _rows.Forget(LossWindow);
    }

    /// <summary>It is back, with what was committed.</summary>
    public void Restart() => IsUp = true;

    /// <summary>It answers.</summary>
    public bool IsUp { get; private set; } = true;

    /// <summary>Counts its crashes.</summary>
    public int Life => _life;

    /// <summary>Longest pause of each part of a call from now on.</summary>
    public TimeSpan PauseMax { get; set; } = pauseMax;

    /// <summary>A store that lies: a crash loses what was committed so lately. Zero: nothing.</summary>
    public TimeSpan LossWindow { get; init; }

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

    /// <summary>Anything else that is read from the same server.</summary>
    public Task<T> ReadAsync<T>(Func<T> read, CancellationToken cancellationToken) => machine is null
        ? ReadHereAsync(read, cancellationToken)
        : machine.Outside(() => ReadHereAsync(read, cancellationToken));

    /// <summary>Anything else that is committed by it: all of it or nothing.</summary>
    public Task<T> CommitAsync<T>(Func<T> change, CancellationToken cancellationToken) => machine is null
        ? CommitHereAsync(change, cancellationToken)
        : machine.Outside(() => CommitHereAsync(change, cancellationToken));

    private async Task<T> ReadHereAsync<T>(Func<T> read, CancellationToken cancellationToken)
    {
        int life = Enter(cancellationToken);
        await PauseAsync(cancellationToken);
        RequireNotDone(life);
        var result = read();
        await PauseAsync(cancellationToken);
        RequireNotDone(life);
        return result;
    }

    private async Task<T> CommitHereAsync<T>(Func<T> change, CancellationToken cancellationToken)
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
        return IsUp ? _life : throw new DatabaseUnavailableException("The simulated database is down.");
    }

    private Task PauseAsync(CancellationToken cancellationToken) => PauseMax == TimeSpan.Zero
        ? Task.CompletedTask
        : Task.Delay(PauseMax * random.NextDouble(), time, cancellationToken);

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
