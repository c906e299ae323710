using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Replication;

/// <summary>What a stream brings when homes change beside it. (S3, P3)</summary>
public sealed class StreamApplierTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Apply_RowsOfBeforeTheHomesTerm_AreLeftToTheCopy()
    {
        TestReceiver receiver = new(3, 3, 0, 1, 2);
        await receiver.Applier.WholeAsync(3, default);

        // Its log has what it wrote in term 1, and lost to the home of term 2, which did not know it.
        Assert.Equal(3, await receiver.SendAsync(
            5, 3, TestReceiver.Row("left-behind", 1, 10), TestReceiver.Row("new", 3, 20)));

        Assert.Equal(["new"], await receiver.KeysAsync());
        await receiver.EndAsync();
    }

    [Fact]
    public async Task Apply_HomeChangedSinceRowsWereTaken_AreNotCommittedNorSaidToBe()
    {
        TestReceiver receiver = new(1, 1, 0, 1, 2);
        await receiver.Applier.WholeAsync(1, default);
        Assert.Equal(1, await receiver.SendAsync(5, 1, TestReceiver.Row("before", 1, 10)));

        receiver.LookingForKeys = () => receiver.Change(2, 2, 2, 1, 0);
        Assert.Equal(0, await receiver.SendAsync(6, 1, TestReceiver.Row("late", 1, 20)));

        Assert.Equal(["before"], await receiver.KeysAsync());
        await receiver.EndAsync();
    }

    [Fact]
    public async Task Apply_AfterAPromise_IsAcknowledgedAsSafeNowhereUntilTheMapChangesOrItIsOver()
    {
        TestReceiver receiver = new(1, 1, 0, 1, 2);
        await receiver.Applier.WholeAsync(1, default);
        receiver.Promises.Give(new NodeId(2), 1, Minute);
        Assert.Equal(1, await receiver.SendAsync(5, 1, TestReceiver.Row("of-another", 1, 10)));

        receiver.Promises.Give(new NodeId(0), 1, Minute);
        Assert.Equal(0, await receiver.SendAsync(6, 1, TestReceiver.Row("too-late", 1, 20)));
        receiver.Time.Advance(Minute);
        Assert.Equal(1, await receiver.SendAsync(7, 1, TestReceiver.Row("it-was-not-done", 1, 30)));

        receiver.Promises.Give(new NodeId(0), 1, Minute);
        receiver.Change(2, 1, 0, 1, 2); // other slots' homes changed
        Assert.Equal(1, await receiver.SendAsync(8, 2, TestReceiver.Row("still-home", 1, 40)));
        await receiver.EndAsync();
    }

    [Fact]
    public async Task SettleAsync_CommitByAnOlderMap_IsWaitedFor()
    {
        TestReceiver receiver = new(1, 1, 0, 1, 2);
        var older = receiver.Turns.Begin();
        Assert.True(receiver.Turns.SettleAsync(default).IsCompletedSuccessfully);

        receiver.Change(2, 2, 2, 1, 0);
        using var newer = receiver.Turns.Begin();
        var settled = receiver.Turns.SettleAsync(default);
        Assert.False(settled.IsCompleted);

        older.Dispose();
        await settled.WaitAsync(TimeSpan.FromSeconds(30));
        await receiver.EndAsync();
    }

    [Fact]
    public async Task CopiedAsync_WhileAnEarlierTermIsWrittenDown_TheLaterStays()
    {
        TestReceiver receiver = new(2, 2, 1, 0, 2);
        TaskCompletionSource written = new();
        receiver.WritingOrigins = () => written.Task;
        var noting = receiver.Slots.NoteHomesAsync(default);
        receiver.Change(3, 3, 0, 1, 2);
        var copied = receiver.Slots.CopiedAsync(
            receiver.Current, TestReceiver.Class, [TestReceiver.Slot], new NodeId(0), default);
        written.SetResult();
        await Task.WhenAll(noting, copied).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(receiver.Slots.IsWhole(TestReceiver.Class, TestReceiver.Slot));

        receiver.Change(2, 2, 1, 0, 2); // who is late
        await receiver.Slots.NoteHomesAsync(default);
        receiver.Change(3, 3, 0, 1, 2);
        Assert.True(receiver.Slots.IsWhole(TestReceiver.Class, TestReceiver.Slot));
        await receiver.EndAsync();
    }
}
