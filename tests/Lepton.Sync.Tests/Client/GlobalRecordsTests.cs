using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Client;
using Lepton.Testing;

namespace Lepton.Sync.Tests.Client;

/// <summary>S4: a write that is repeated is written once, and its outcome is never better than what is known.</summary>
public sealed class GlobalRecordsTests : IDisposable
{
    private static readonly IRecordCodec<StringValue> Codec = RecordCodec.Protobuf(StringValue.Parser);
    private readonly ClientWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task PutGetDelete_BothCodecs_GiveTheValueBack()
    {
        GlobalRecords records = _world.Records();
        var json = RecordCodec.Json((JsonTypeInfo<Dictionary<string, int>>)
            JsonSerializerOptions.Default.GetTypeInfo(typeof(Dictionary<string, int>)));

        var put = Assert.IsType<WriteOutcome.Done>(await records.PutAsync("a", Text("one"), Codec, "0"));
        await records.PutAsync("b", new() { ["x"] = 3 }, json);

        GlobalRecord<StringValue>? read = await records.GetAsync("a", Codec);
        Assert.Equal("one", read?.Value.Value);
        Assert.Equal(put.Version, read?.Version);
        Assert.Equal(TimeSpan.Zero, read?.StalenessMax);
        Assert.Equal(3, (await records.GetAsync("b", json))?.Value["x"]);
        Assert.IsType<WriteOutcome.Done>(await records.DeleteAsync("a", put.Version));
        Assert.Null(await records.GetAsync("a", Codec));
        await Assert.ThrowsAsync<RecordFormatException>(() => records.GetAsync("b", Codec));
    }

    [Fact]
    public async Task Put_ExpectedVersionGone_IsAConflictWithTheOneThere()
    {
        GlobalRecords records = _world.Records();
        var first = Assert.IsType<WriteOutcome.Done>(await records.PutAsync("k", Text("1"), Codec));

        var conflict = Assert.IsType<WriteOutcome.Conflict>(await records.PutAsync("k", Text("2"), Codec, "0"));

        Assert.Equal(first.Version, conflict.Version);
        Assert.Equal(["0 put", "0 put"], _world.Nodes.Calls); // no node was asked twice
    }

    [Fact]
    public async Task Put_AnswerLostOnTheWay_IsRepeatedElsewhereAndWrittenOnce()
    {
        int lost = 1;
        _world.Nodes.After = (_, _) =>
        {
            if (Interlocked.Decrement(ref lost) >= 0)
                throw FakeNodes.Fault(NodeFaultKind.Unknown);
        };

        var done = Assert.IsType<WriteOutcome.Done>(await _world.Records().PutAsync("k", Text("1"), Codec, "0"));

        Assert.True(done.Repeated);
        Assert.Equal(["0 put", "1 put"], _world.Nodes.Calls);
        Assert.Equal(1, _world.Counted("lepton.control.repetitions"));
    }

    [Fact]
    public async Task Put_NodeDown_OthersAreAskedAndItComesLastForAWhile()
    {
        _world.Nodes.Before = (node, _) =>
        {
            if (node == 0)
                throw FakeNodes.Fault(NodeFaultKind.NotDone);
        };
        GlobalRecords records = _world.Records();

        Assert.IsType<WriteOutcome.Done>(await records.PutAsync("k", Text("1"), Codec));
        Assert.IsType<WriteOutcome.Done>(await records.PutAsync("k", Text("2"), Codec));

        Assert.Equal(["0 put", "1 put", "1 put"], _world.Nodes.Calls);
    }

    public static TheoryData<string[], System.Type> Failing => new()
    {
        { ["NotDone", "NotDone"], typeof(WriteOutcome.NotDone) },
        { ["Elsewhere", "NotDone"], typeof(WriteOutcome.NotDone) },
        // A later "nothing was done" proves nothing of the first.
        { ["Unknown", "NotDone"], typeof(WriteOutcome.Unknown) },
        { ["Unconfirmed", "Unknown"], typeof(WriteOutcome.Unconfirmed) },
    };

    [Theory]
    [MemberData(nameof(Failing))]
    public async Task Put_BudgetSpent_SaysTheMostThatIsKnown(string[] faults, System.Type outcome)
    {
        ConcurrentQueue<string> next = new(faults);
        string last = faults[^1];
        _world.Nodes.Before = (_, _) => throw FakeNodes.Fault(System.Enum.Parse<NodeFaultKind>(
            next.TryDequeue(out string? fault) ? fault : last));
        _world.Options.RetriesMax = 3;

        WriteOutcome got = await _world.Records(_world.Time).PutAsync("k", Text("1"), Codec);

        Assert.IsType(outcome, got);
        Assert.Equal(4, _world.Nodes.Calls.Count); // one, and the budget of three: the clock gives none back
    }

    [Fact]
    public async Task Put_DeadlineSpent_EndsWithBudgetLeft()
    {
        _world.Options.TimeMax = TimeSpan.FromSeconds(10);
        _world.Nodes.Before = (_, _) =>
        {
            _world.Time.Advance(TimeSpan.FromSeconds(4));
            throw FakeNodes.Fault(NodeFaultKind.NotDone);
        };

        Assert.IsType<WriteOutcome.NotDone>(await _world.Records(_world.Time).PutAsync("k", Text("1"), Codec));

        Assert.Equal(3, _world.Nodes.Calls.Count);
    }

    [Fact]
    public async Task Get_RefusedForGood_IsNotRepeated()
    {
        _world.Nodes.Before = (_, _) => throw new NodeFault(NodeFaultKind.Refused, "FIELD_INVALID", "key: takes more");

        RecordsRefusedException e = await Assert.ThrowsAsync<RecordsRefusedException>(
            () => _world.Records().GetAsync("k", Codec));

        Assert.Equal("FIELD_INVALID", e.Reason);
        Assert.Single(_world.Nodes.Calls);
    }

    [Fact]
    public void RetryBudget_SpentAndLeftAlone_ComesBackByTimeAndBySuccesses()
    {
        MovableTime time = new(DateTimeOffset.UnixEpoch);
        RetryBudget budget = new(2, time);
        Assert.True(budget.TryTake() && budget.TryTake());
        Assert.False(budget.TryTake());

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(budget.TryTake());
        Assert.False(budget.TryTake());
        for (int i = 0; i < 6; i++)
            budget.Success();
        Assert.True(budget.TryTake());

        time.Advance(TimeSpan.FromHours(1)); // no more than it holds
        Assert.True(budget.TryTake() && budget.TryTake());
        Assert.False(budget.TryTake());
    }

    private static StringValue Text(string text) => new() { Value = text };
}
