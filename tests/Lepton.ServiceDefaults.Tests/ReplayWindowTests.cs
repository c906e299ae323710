namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: each number once, in whatever order they come.</summary>
public sealed class ReplayWindowTests
{
    [Fact]
    public void TryTake_AnyOrderWithinTheWindow_EachOnce()
    {
        var window = new ReplayWindow();
        var random = new Random(31);
        HashSet<ulong> taken = [];
        ulong highest = 0;
        for (var i = 0; i < 300_000; i++)
        {
            var number = highest + 1 < 40_000 || random.Next(3) > 0
                ? highest + (ulong)random.Next(1, 4)
                : highest - (ulong)random.Next(0, 30_000);
            Assert.Equal(taken.Add(number), window.TryTake(number));
            highest = Math.Max(highest, number);
        }
    }

    [Fact]
    public void TryTake_BehindTheWindow_IsRefused()
    {
        var window = new ReplayWindow();
        Assert.True(window.TryTake(ReplayWindow.Size + 10));
        Assert.False(window.TryTake(10));
        Assert.True(window.TryTake(11));
        Assert.True(window.TryTake(10UL * ReplayWindow.Size)); // a jump of more than a window
        Assert.False(window.TryTake(ReplayWindow.Size + 10));
        Assert.True(window.TryTake((10UL * ReplayWindow.Size) - 1));
    }

    [Fact]
    public void TryTake_Zero_IsNoNumber() => Assert.False(new ReplayWindow().TryTake(0));

    [Fact]
    public async Task TryTake_ManyAtOnce_EachIsTakenByOne()
    {
        var window = new ReplayWindow();
        var taken = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (ulong number = 1; number <= 20_000; number++)
                if (window.TryTake(number))
                    Interlocked.Increment(ref taken);
        })));
        Assert.Equal(20_000, taken);
    }
}
