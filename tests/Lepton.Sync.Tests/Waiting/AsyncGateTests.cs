using Lepton.Sync.Waiting;

namespace Lepton.Sync.Tests.Waiting;

/// <summary>One at a time, in the order of coming; who gives up is passed over.</summary>
public sealed class AsyncGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task WaitAsync_Taken_ComesInOrder()
    {
        AsyncGate gate = new();
        await gate.WaitAsync(default);
        Task second = gate.WaitAsync(default), third = gate.WaitAsync(default);
        Assert.False(second.IsCompleted);

        gate.Release();
        await second.WaitAsync(Patience);
        Assert.False(third.IsCompleted);
        gate.Release();
        await third.WaitAsync(Patience);
        gate.Release();
        Assert.True(gate.WaitAsync(default).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task WaitAsync_Cancelled_TheNextOneHasTheTurn()
    {
        AsyncGate gate = new();
        using CancellationTokenSource patience = new();
        await gate.WaitAsync(default);
        Task gaveUp = gate.WaitAsync(patience.Token), next = gate.WaitAsync(default);

        patience.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gaveUp);
        gate.Release();

        await next.WaitAsync(Patience);
        Assert.True(gate.WaitAsync(patience.Token).IsCanceled);
    }

    [Fact]
    public async Task WaitAsync_ManyThreads_NeverTwoAtATime()
    {
        AsyncGate gate = new();
        int inside = 0, most = 0, sum = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                await gate.WaitAsync(default);
                most = Math.Max(most, Interlocked.Increment(ref inside));
                sum++;
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                gate.Release();
            }
        }))).WaitAsync(Patience);

        Assert.Equal((1, 4000), (most, sum));
    }
}
