using Lepton.Routing.Resilience;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Resilience;

public sealed class RetryBudgetTests
{
    private readonly ManualTime _time = new();

    private RetryBudget Budget(double share = 0.2, double perSecond = 10) =>
        new(new RetryOptions { Share = share, PerSecond = perSecond }, _time);

    private static int TakeAll(RetryBudget budget)
    {
        int taken = 0;
        while (budget.TryTake())
            taken++;
        return taken;
    }

    [Fact]
    public void TryTake_NoRequests_GivesTheFloorOfTenSeconds() => Assert.Equal(100, TakeAll(Budget()));

    [Fact]
    public void TryTake_ManyRequests_GivesTheirShareBesides()
    {
        RetryBudget budget = Budget();
        for (int i = 0; i < 1000; i++)
            budget.Deposit();
        Assert.Equal(100 + 200, TakeAll(budget));
        Assert.Equal(0, budget.Left);
    }

    [Fact]
    public void TryTake_AnHourLater_HasNotSavedAnythingUp()
    {
        RetryBudget budget = Budget();
        for (int i = 0; i < 100_000; i++)
            budget.Deposit();
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(100, TakeAll(budget));
    }

    [Fact]
    public void TryTake_Spent_ComesBackAsTheWindowMovesOn()
    {
        RetryBudget budget = Budget(share: 0, perSecond: 1);
        Assert.Equal(10, TakeAll(budget));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(0, TakeAll(budget));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, TakeAll(budget));
    }

    [Fact]
    public void TryTake_AnyTenSecondsOfAStorm_StayInside()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        RetryBudget budget = Budget(perSecond: 3);
        Queue<(double At, bool Retry)> window = new();
        double now = 0;
        for (int i = 0; i < 50_000; i++)
        {
            double step = random.NextDouble() * 0.01;
            now += step;
            _time.Advance(TimeSpan.FromSeconds(step));
            budget.Deposit();
            window.Enqueue((now, false));
            for (int retry = 0; retry < 2 && budget.TryTake(); retry++)
                window.Enqueue((now, true));
            // Slots are whole seconds: nine of them and a part lie inside any ten seconds.
            while (window.Peek().At < now - (RetryBudget.WindowSeconds - 1))
                window.Dequeue();
            if (i % 97 != 0)
                continue;
            int requests = window.Count(e => !e.Retry), retries = window.Count - requests;
            Assert.True(retries <= (0.2 * (requests + 250)) + 30 + 1, $"seed {seed}: {retries} of {requests}");
        }
    }

    [Fact]
    public async Task TryTake_Concurrently_NeverGivesMore()
    {
        RetryBudget budget = Budget(share: 0);
        int[] taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => TakeAll(budget))));
        Assert.Equal(100, taken.Sum());
    }
}
