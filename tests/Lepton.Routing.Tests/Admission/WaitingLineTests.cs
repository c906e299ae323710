using Lepton.Routing.Admission;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Admission;

/// <summary>Who is served when something comes free.</summary>
public sealed class WaitingLineTests
{
    private readonly ManualTime _time = new();
    private readonly WaitingLine _line;
    private readonly List<string> _served = [];
    private int _free;

    public WaitingLineTests() => _line = new WaitingLine(TimeSpan.FromSeconds(1), _time);

    private Waiter Join(string name, Priority priority, int needs = 1) => _line.Join(() =>
    {
        if (_free < needs)
            return false;
        _free -= needs;
        _served.Add(name);
        return true;
    }, priority);

    private void Free(int count)
    {
        _free += count;
        _line.Serve();
    }

    [Fact]
    public void Join_NobodyBeforeAndRoom_IsServedAtOnce()
    {
        _free = 1;
        Assert.True(Join("a", Priority.Batch).Served.IsCompleted);
        Assert.Equal(0, _line.Count);
    }

    [Fact]
    public void Serve_BothClasses_RealtimeFirstThenByArrival()
    {
        Join("b1", Priority.Batch);
        Join("r1", Priority.Realtime);
        Join("b2", Priority.Batch);
        Join("r2", Priority.Realtime);
        Free(3);
        Assert.Equal(["r1", "r2", "b1"], _served);
        Assert.Equal(1, _line.Count);
    }

    [Fact]
    public void Join_SomebodyOfTheClassWaits_GoesBehindThoughThereIsRoom()
    {
        Join("large", Priority.Realtime, needs: 2);
        _free = 1;
        Assert.False(Join("small", Priority.Realtime).Served.IsCompleted);
        Assert.True(_line.IsBefore(Priority.Realtime) && _line.IsBefore(Priority.Batch));
        Free(2);
        Assert.Equal(["large", "small"], _served);
    }

    [Fact]
    public void IsBefore_OnlyBatchWaits_RealtimeGoesFirst()
    {
        Join("b", Priority.Batch);
        Assert.False(_line.IsBefore(Priority.Realtime));
        Assert.True(_line.IsBefore(Priority.Batch));
    }

    [Fact]
    public void Leave_TheFirstInLine_ServesThoseItHeldUp()
    {
        Waiter large = Join("large", Priority.Realtime, needs: 2);
        Join("small", Priority.Batch);
        Free(1);
        Assert.Empty(_served);
        Assert.True(_line.Leave(large));
        Assert.Equal(["small"], _served);
        Assert.Equal(0, _line.Count);
    }

    [Fact]
    public void Leave_AlreadyServed_SaysSo()
    {
        Waiter waiter = Join("a", Priority.Realtime);
        Free(1);
        Assert.False(_line.Leave(waiter));
        Assert.Equal(["a"], _served);
    }

    [Fact]
    public void Patience_LineStandsForLong_IsATenth()
    {
        Assert.Equal(TimeSpan.FromSeconds(1), _line.Patience);
        Waiter first = Join("a", Priority.Realtime);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(TimeSpan.FromSeconds(1), _line.Patience);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(TimeSpan.FromSeconds(0.1), _line.Patience);
        _line.Leave(first);
        Assert.Equal(TimeSpan.FromSeconds(1), _line.Patience);
    }

    [Fact]
    public async Task WaitAsync_ManyTakeAndGiveBack_NobodyIsForgottenAndNoneGetsMore()
    {
        WaitingLine line = new(TimeSpan.FromSeconds(30), TimeProvider.System);
        int free = 3, busy = 0, most = 0;
        bool TryTake()
        {
            int seen;
            while ((seen = Volatile.Read(ref free)) > 0)
                if (Interlocked.CompareExchange(ref free, seen - 1, seen) == seen)
                    return true;
            return false;
        }
        await Parallel.ForEachAsync(Enumerable.Range(0, 5000), new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (i, cancellation) =>
            {
                Priority priority = i % 2 == 0 ? Priority.Realtime : Priority.Batch;
                if (line.IsBefore(priority) || !TryTake())
                    Assert.True(await line.WaitAsync(TryTake, priority, TimeSpan.FromSeconds(30), cancellation));
                int now = Interlocked.Increment(ref busy);
                InterlockedMax(ref most, now);
                await Task.Yield();
                Interlocked.Decrement(ref busy);
                Interlocked.Increment(ref free);
                line.Serve();
            });
        Assert.Equal((3, 0, 0), (free, busy, line.Count));
        Assert.InRange(most, 1, 3);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value)
            Interlocked.CompareExchange(ref target, value, seen);
    }
}
