using Lepton.Sync.Replication;

namespace Lepton.Sync.Tests.Replication;

/// <summary>Who takes the next moment before he looks misses nothing, and leaves nothing behind.</summary>
public sealed class AsyncSignalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task WaitAsync_SetBetweenLookAndWait_IsOver()
    {
        AsyncSignal signal = new();
        var next = signal.Next;
        signal.Set();
        await next.WaitAsync(default).WaitAsync(Patience);
        Assert.False(signal.Next.WaitAsync(default).IsCompleted);
    }

    [Fact]
    public async Task WaitAnyAsync_EitherIsSet_IsOver()
    {
        AsyncSignal first = new(), second = new();
        foreach (AsyncSignal one in (AsyncSignal[])[first, second])
        {
            Task wait = AsyncSignal.WaitAnyAsync(
                first.Next, second.Next, TimeSpan.FromHours(1), TimeProvider.System, default);
            Assert.False(wait.IsCompleted);
            one.Set();
            await wait.WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task WaitAnyAsync_TimeIsOver_IsOver()
    {
        AsyncSignal signal = new();
        Task wait = AsyncSignal.WaitAnyAsync(
            signal.Next, signal.Next, TimeSpan.FromMilliseconds(1), TimeProvider.System, default);
        await wait.WaitAsync(Patience);
    }

    [Fact]
    public async Task WaitAsync_Cancelled_Throws()
    {
        AsyncSignal signal = new();
        using CancellationTokenSource patience = new();
        Task one = signal.Next.WaitAsync(patience.Token), any = AsyncSignal.WaitAnyAsync(
            signal.Next, signal.Next, TimeSpan.FromHours(1), TimeProvider.System, patience.Token);
        patience.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => any);
    }
}
