using Lepton.Sync.Replication;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>What was asked never left: nobody was there to take it.</summary>
internal sealed class NotSentException() : IOException("The simulated node is not there.");

/// <summary>
/// Connections between nodes, as TCP makes them: what is sent comes late, in order and once, or the connection breaks.
/// A cut holds back one direction; what was under way comes when it heals, or never.
/// </summary>
internal sealed class SimulatedNetwork(SimulatedMachine machine, Random random, int nodes)
{
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    private readonly bool[,] _cuts = new bool[nodes, nodes];
    private readonly AsyncSignal _changed = new();

    /// <summary>Usual longest delay; one in fifty is twenty times as long.</summary>
    public TimeSpan DelayMax { get; set; } = TimeSpan.FromMilliseconds(40);

    public bool IsCut(int from, int to) => _cuts[from, to];

    public void Cut(int from, int to) => _cuts[from, to] = true;

    public void Heal(int from, int to)
    {
        _cuts[from, to] = false;
        _changed.Set();
    }

    public void HealAll()
    {
        Array.Clear(_cuts);
        _changed.Set();
    }

    public TimeSpan DrawDelay() => DelayMax * random.NextDouble() * (random.Next(50) == 0 ? 20 : 1);

    /// <summary>The way of a message.</summary>
    /// <exception cref="IOException">The connection broke first.</exception>
    public async Task TravelAsync(int from, int to)
    {
        await Task.Delay(DrawDelay(), machine.Time);
        await PassAsync(from, to);
    }

    /// <summary>Waits for a cut to heal. What was held back comes then, or the connection is gone.</summary>
    public async Task PassAsync(int from, int to)
    {
        if (!IsCut(from, to))
            return;
        var until = machine.Elapsed + GiveUp;
        while (IsCut(from, to))
        {
            var healed = _changed.Next;
            if (machine.Elapsed >= until)
                throw new IOException("The simulated connection was given up.");
            await AsyncSignal.WaitAnyAsync(healed, healed, until - machine.Elapsed, machine.Time, default);
        }
        if (random.Next(3) == 0)
            throw new IOException("The simulated connection broke.");
        await Task.Delay(DrawDelay(), machine.Time);
    }

    /// <summary>A call of one node to another, with a deadline. It may be carried out after its caller gave up.
    /// </summary>
    /// <exception cref="NotSentException">It will not be carried out.</exception>
    /// <exception cref="IOException">Nobody knows.</exception>
    /// <exception cref="TimeoutException">Nobody knows.</exception>
    public async Task<T> CallAsync<T>(
        SimulatedSyncNode from, SimulatedSyncNode to, TimeSpan timeMax,
        Func<SyncParts, CancellationToken, Task<T>> handle, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> answer = new();
        var time = from.Parts?.Time ?? machine.Time;
        using CancellationTokenSource deadline = new(timeMax, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        _ = machine.Outside(() => CarryAsync(from.Number, to, timeMax, handle, answer));
        try
        {
            return await answer.Task.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested
            && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The simulated call's deadline passed.");
        }
    }

    private async Task CarryAsync<T>(
        int from, SimulatedSyncNode to, TimeSpan timeMax, Func<SyncParts, CancellationToken, Task<T>> handle,
        TaskCompletionSource<T> answer)
    {
        try
        {
            // A connection that has to be opened first: what fails here never left.
            var isOpened = !(IsCut(from, to.Number) || IsCut(to.Number, from)) || random.Next(2) > 0;
            if (!isOpened || to.Parts is null)
            {
                await Task.Delay(DrawDelay(), machine.Time);
                answer.TrySetException(new NotSentException());
                return;
            }
            await TravelAsync(from, to.Number);
            if (to.Parts is not { } parts)
                throw new IOException("The simulated node went away.");
            CancellationTokenSource patience = new(timeMax, parts.Time);
            var result = await parts.Process.RunAsync(() => handle(parts, patience.Token));
            await TravelAsync(to.Number, from);
            answer.TrySetResult(result);
        }
        catch (Exception e)
        {
            answer.TrySetException(e); // whoever waits for it hears it
        }
    }
}
