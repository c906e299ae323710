using Lepton.Cost.Budgets;

namespace Lepton.Cost.Tests.Budgets;

/// <summary>Reserve, then settle, at every level or at none (B4).</summary>
public sealed class BudgetLedgerTests
{
    private static readonly BudgetPeriod November = new(2026, 11);
    private static readonly BudgetPath Path = BudgetPath.Of("org", "demo", "model=ocr");
    private static readonly DateTimeOffset Now = November.Start.AddDays(3), Later = Now.AddMinutes(5);

    private static BudgetLedger Ledger(long org, long tenant, long tag)
    {
        BudgetLedger ledger = new("us-east", November, reservationsMax: 1_000);
        ledger.Grant("org", org);
        ledger.Grant("org/demo", tenant);
        ledger.Grant("org/demo/model=ocr", tag);
        return ledger;
    }

    [Theory]
    [InlineData(10, 100, 100, "org")]
    [InlineData(100, 10, 100, "org/demo")]
    [InlineData(100, 100, 10, "org/demo/model=ocr")]
    public void Reserve_AnyLevelFull_RefusesAndReservesNowhere(long org, long tenant, long tag, string full)
    {
        var ledger = Ledger(org, tenant, tag);

        Assert.Equal(new ReserveOutcome.Refused(full, 10), ledger.Reserve("a", Path, 11, Later));
        Assert.All(Path.Levels, level => Assert.Equal(0, ledger.Standing(level)!.Value.ReservedMicros));
        // To the limit it goes, and at the limit nothing more, not 0 either: >=, not >.
        Assert.IsType<ReserveOutcome.Granted>(ledger.Reserve("b", Path, 10, Later));
        Assert.Equal(new ReserveOutcome.Refused(full, 0), ledger.Reserve("c", Path, 0, Later));
        Assert.Equal(new ReserveOutcome.Refused(full, 0), ledger.Reserve("d", Path, 1, Later));
    }

    [Fact]
    public void Settle_LessThanReserved_FreesTheRest()
    {
        var ledger = Ledger(100, 100, 100);
        ledger.Reserve("a", Path, 60, Later);

        Assert.Equal(SettleOutcome.Settled, ledger.Settle("a", 25));
        Assert.Equal(SettleOutcome.Duplicate, ledger.Settle("a", 25));
        Assert.Equal(SettleOutcome.Unknown, ledger.Settle("b", 25));
        Assert.All(Path.Levels, level => Assert.Equal(new BudgetStanding(100, 25, 0, 0), ledger.Standing(level)));
        Assert.IsType<ReserveOutcome.Granted>(ledger.Reserve("a", Path, 60, Later)); // a repeat: reserves nothing
        Assert.Equal(75, ledger.Standing("org")!.Value.FreeMicros);
    }

    [Fact]
    public void Settle_MoreThanReserved_IsSpentAndToldApart()
    {
        var ledger = Ledger(100, 100, 100);
        ledger.Reserve("a", Path, 90, Later);

        ledger.Settle("a", 130);

        Assert.Equal(new BudgetStanding(100, 130, 0, 40), ledger.Standing("org"));
        Assert.Equal(new ReserveOutcome.Refused("org", 0), ledger.Reserve("b", Path, 0, Later));
    }

    [Fact]
    public void Expire_Unsettled_IsReleasedAndLateSettlementStillCounts()
    {
        var ledger = Ledger(100, 100, 100);
        ledger.Reserve("a", Path, 90, Later);

        Assert.Equal(0, ledger.Expire(Later.AddTicks(-1)));
        Assert.Equal(1, ledger.Expire(Later));
        Assert.Equal(0, ledger.Expire(Later));
        Assert.Equal(100, ledger.Standing("org")!.Value.FreeMicros);
        Assert.Equal(SettleOutcome.Settled, ledger.Settle("a", 30));
        Assert.Equal(new BudgetStanding(100, 30, 0, 0), ledger.Standing("org"));
    }

    [Fact]
    public void Reserve_TooManyOpen_IsRefused()
    {
        BudgetLedger ledger = new("us-east", November, reservationsMax: 2);
        ledger.Reserve("a", Path, 1, Later);
        ledger.Reserve("b", Path, 1, Later);

        Assert.Equal(new ReserveOutcome.TooMany(2), ledger.Reserve("c", Path, 1, Later));
        ledger.Settle("a", 0);
        Assert.IsType<ReserveOutcome.Granted>(ledger.Reserve("c", Path, 1, Later));
    }

    [Fact]
    public void Grant_AfterAReservation_OwesItNothing()
    {
        BudgetLedger ledger = new("us-east", November);
        ledger.Reserve("a", Path, 50, Later);
        ledger.Grant("org", 10);

        ledger.Settle("a", 50);

        Assert.Equal(new BudgetStanding(10, 0, 0, 0), ledger.Standing("org"));
    }

    [Fact]
    public void Withdraw_LoweredLimit_TakesOnlyWhatIsFree()
    {
        var ledger = Ledger(100, 100, 100);
        ledger.Reserve("a", Path, 70, Later);

        Assert.Equal(30, ledger.Withdraw("org", 80));
        Assert.Equal(new BudgetStanding(70, 0, 70, 0), ledger.Standing("org"));
    }

    /// <summary>Many at once on one store: to the limit exactly, never beyond.</summary>
    [Fact]
    public async Task ReserveAsync_ManyAtOnce_NeverOvershoots()
    {
        MemoryBudgetStore store = new("us-east");
        store.Grant(November, "org", 10_000);
        store.Grant(November, "org/demo", 7_000);
        var granted = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                var id = $"{worker}/{i}";
                if (await store.ReserveAsync(id, Path, 3, Now, Later, default) is not ReserveOutcome.Granted)
                    continue;
                Interlocked.Increment(ref granted);
                if (i % 2 == 0)
                    await store.SettleAsync(id, 3, default);
            }
        })));

        var tenant = await store.StandingAsync("org/demo", November, default);
        Assert.Equal(7_000 / 3, granted);
        Assert.Equal(granted * 3, tenant!.Value.SettledMicros + tenant.Value.ReservedMicros);
    }

    [Fact]
    public async Task Periods_RollOver_InUtcAndSettleWhereReserved()
    {
        MemoryBudgetStore store = new("us-east");
        store.Grant(November, "org", 100);
        store.Grant(November.Next, "org", 100);
        var last = November.End.AddTicks(-1);

        await store.ReserveAsync("a", Path, 100, last, last.AddHours(1), default);
        // In Auckland it has been December for hours; the month is UTC's.
        var auckland = last.ToOffset(TimeSpan.FromHours(13));
        Assert.IsType<ReserveOutcome.Refused>(await store.ReserveAsync("b", Path, 1, auckland, last, default));
        Assert.IsType<ReserveOutcome.Granted>(await store.ReserveAsync("c", Path, 40, last.AddTicks(1), last, default));
        await store.SettleAsync("a", 90, default);

        Assert.Equal(new BudgetStanding(100, 90, 0, 0), await store.StandingAsync("org", November, default));
        Assert.Equal(new BudgetStanding(100, 0, 40, 0), await store.StandingAsync("org", November.Next, default));
        Assert.Equal(("2026-12", new BudgetPeriod(2027, 1)), (November.Next.ToString(), November.Next.Next));
    }
}
