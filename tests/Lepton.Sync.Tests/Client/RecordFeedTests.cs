using System.Text;
using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Client;

namespace Lepton.Sync.Tests.Client;

/// <summary>S4, S8: what is followed only goes forward, and misses nothing through cuts, other nodes and lost
/// places.</summary>
public sealed class RecordFeedTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ClientWorld _world = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<FeedEvent> _told = Channel.CreateUnbounded<FeedEvent>();
    private Task _running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _world.Dispose();
    }

    [Fact]
    public async Task Run_FromTheStart_TellsWhatIsThereThenChanges()
    {
        for (int i = 0; i < 250; i++)
            _world.Nodes.Put($"p/{i:D3}", $"{i}"); // three pages
        _world.Nodes.Put("q/other", "x");
        Start();
        for (int i = 0; i < 250; i++)
            Assert.Equal($"p/{i:D3}={i}", await NextAsync());

        _world.Nodes.Put("p/new", "n");
        Assert.Equal("p/new=n", await NextAsync());
        _world.Nodes.Delete("p/new");
        Assert.Equal("p/new gone", await NextAsync());
    }

    [Fact]
    public async Task Run_Cut_ResumesByItsPlaceWithoutAScanOfTheHome()
    {
        _world.Nodes.Put("p/a", "1");
        _world.Options.FailedTime = TimeSpan.Zero; // the same node again
        Start();
        Assert.Equal("p/a=1", await NextAsync());
        _world.Nodes.Put("p/a", "2");
        Assert.Equal("p/a=2", await NextAsync());
        int scans = HomeScans();

        _world.Nodes.CutWatches();
        _world.Nodes.Put("p/a", "3");

        Assert.Equal("p/a=3", await NextAsync());
        Assert.Equal(scans, HomeScans());
        Assert.Equal(2, _world.Nodes.Watches);
    }

    [Fact]
    public async Task Run_FeedMovedOn_ScansAndTellsWhatIsNewAndWhatIsGone()
    {
        _world.Nodes.Put("p/a", "1");
        _world.Nodes.Put("p/b", "1");
        _world.Options.FailedTime = TimeSpan.Zero;
        _world.Options.CheckInterval = TimeSpan.FromMinutes(5);
        Start();
        Assert.Equal("p/a=1", await NextAsync());
        Assert.Equal("p/b=1", await NextAsync());

        // While it is cut off.
        TaskCompletionSource back = new();
        _world.Nodes.Before = (_, method) =>
        {
            if (!back.Task.IsCompleted)
                throw FakeNodes.Fault(NodeFaultKind.NotDone);
        };
        _world.Nodes.CutWatches();
        _world.Nodes.Put("p/c", "1");
        _world.Nodes.Delete("p/a");
        _world.Nodes.LogStart = 4;
        back.SetResult();

        Assert.Equal("p/c=1", await NextAsync());
        Assert.Equal("p/a gone", await NextAsync());
        Assert.True(_world.Counted("lepton.control.feed.ends TokenExpired") >= 1);
    }

    [Fact]
    public async Task Run_NextNodeIsBehind_NothingGoesBackAndNothingIsTakenForGone()
    {
        _world.Nodes.Put("p/a", "1");
        Start();
        Assert.Equal("p/a=1", await NextAsync());
        _world.Nodes.Put("p/a", "2");
        Assert.Equal("p/a=2", await NextAsync());
        _world.Nodes.Put("p/b", "1");
        Assert.Equal("p/b=1", await NextAsync());

        // Node 0 is gone, node 1 lacks the last two and cannot ask the home.
        _world.Nodes.Behind[1] = 2;
        _world.Nodes.Before = (node, method) =>
        {
            if (node == 0 || method == "scan-home")
                throw FakeNodes.Fault(NodeFaultKind.NotDone);
        };
        _world.Nodes.CutWatches();
        await ConfirmedAsync(by: "1 scan-local");

        _world.Nodes.Put("p/c", "1");
        Assert.Equal("p/c=1", await NextAsync()); // the first that is told of node 1
    }

    [Fact]
    public async Task Run_LocalCopyOld_IsConfirmedAsOfThen()
    {
        _world.Nodes.Staleness = TimeSpan.FromHours(1);
        _world.Nodes.Before = (_, method) =>
        {
            if (method == "scan-home")
                throw FakeNodes.Fault(NodeFaultKind.NotDone);
        };
        DateTimeOffset before = DateTimeOffset.UtcNow;
        Start();

        DateTimeOffset asOf = (await ConfirmedAsync(by: "0 scan-local")).AsOf;

        Assert.InRange(asOf, before - TimeSpan.FromHours(1), DateTimeOffset.UtcNow - TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task Run_LocalCopyOfUnknownAge_IsNotConfirmed()
    {
        _world.Nodes.Put("p/a", "1");
        _world.Nodes.Staleness = null;
        _world.Nodes.Before = (_, method) =>
        {
            if (method == "scan-home")
                throw FakeNodes.Fault(NodeFaultKind.NotDone);
        };
        Start();
        Assert.Equal("p/a=1", await NextAsync());
        _world.Nodes.Put("p/a", "2");
        Assert.Equal("p/a=2", await NextAsync(refuseConfirmation: true));
    }

    [Fact]
    public async Task Run_MoreRecordsThanTheBound_IsRefusedAndSaysWhich()
    {
        _world.Options.RecordsMax = 2;
        for (int i = 0; i < 3; i++)
            _world.Nodes.Put($"p/{i}", "x");

        RecordsRefusedException e = await Assert.ThrowsAsync<RecordsRefusedException>(
            () => _world.Feed("p/").RunAsync((_, _) => default, _stop.Token));

        Assert.Contains("SyncClient:RecordsMax (2)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_Typed_GivesValuesUntilItIsLeft()
    {
        GlobalRecords records = _world.Records();
        IRecordCodec<StringValue> codec = RecordCodec.Protobuf(StringValue.Parser);
        await records.PutAsync("p/a", new StringValue { Value = "1" }, codec);
        using CancellationTokenSource patience = new(Patience);
        List<string> seen = [];

        await foreach (RecordChange<StringValue> change in records.WatchAsync("p/", codec, patience.Token))
        {
            seen.Add(change.IsDeleted ? "gone" : change.Value!.Value);
            if (seen.Count == 1)
                await records.PutAsync("p/a", new StringValue { Value = "2" }, codec);
            else if (seen.Count == 2)
                await records.DeleteAsync("p/a");
            else
                break;
        }

        Assert.Equal(["1", "2", "gone"], seen);
    }

    private void Start() => _running = _world.Feed("p/").RunAsync(
        (what, token) => _told.Writer.WriteAsync(what, token), _stop.Token);

    private int HomeScans() => _world.Nodes.Calls.Count(c => c.EndsWith("scan-home", StringComparison.Ordinal));

    /// <summary>The next change.</summary>
    private async Task<string> NextAsync(bool refuseConfirmation = false)
    {
        using CancellationTokenSource patience = new(Patience);
        while (true)
            switch (await _told.Reader.ReadAsync(patience.Token))
            {
                case FeedEvent.Changed change:
                    return change.IsDeleted
                        ? $"{change.Key} gone"
                        : $"{change.Key}={Encoding.UTF8.GetString(change.Value.Span)}";
                case FeedEvent.Confirmed when refuseConfirmation:
                    throw new InvalidOperationException("It was confirmed.");
            }
    }

    /// <summary>The next confirmation after such a call; changes before it fail.</summary>
    private async Task<FeedEvent.Confirmed> ConfirmedAsync(string by)
    {
        using CancellationTokenSource patience = new(Patience);
        while (true)
            switch (await _told.Reader.ReadAsync(patience.Token))
            {
                case FeedEvent.Confirmed confirmed when _world.Nodes.Calls.Contains(by):
                    return confirmed;
                case FeedEvent.Changed change:
                    throw new InvalidOperationException($"{change.Key} was told.");
            }
    }
}
