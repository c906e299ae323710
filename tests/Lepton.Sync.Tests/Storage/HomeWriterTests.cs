using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>Group commit (S4), over a store that goes on when a test says so.</summary>
public sealed class HomeWriterTests : IAsyncDisposable
{
    private static readonly AsyncLocal<string?> ambient = new();

    private readonly GatedStore _store = new();
    private readonly TestStorage _storage = new("", o =>
        (o.CommitConnections, o.BatchWritesMax, o.BatchBytesMax, o.WritesWaitingMax) = (2, 3, 1 << 20, 5));
    private readonly HomeWriter _writer;

    public HomeWriterTests() => _writer = _storage.Writer(_store);

    public async ValueTask DisposeAsync() => await _storage.DisposeAsync();

    [Fact]
    public async Task WriteAsync_AConnectionIsFree_GoesAtOnceAndAlone()
    {
        Task<HomeOutcome> write = WriteAsync("a");

        HomeCommit commit = Assert.Single(_store.Batches).LetThrough();

        Assert.Equal(
            new HomeOutcome(HomeOutcomeKind.Done, commit.Results[0].Version, commit.TransactionId), await write);
        Assert.Equal(commit.Results[0].Version, (await _store.FindAsync("a"))!.Version);
    }

    [Fact]
    public async Task WriteAsync_AllConnectionsBusy_WhatWaitsIsTheNextBatch()
    {
        Task<HomeOutcome>[] writes = [.. "abcdefg".Select(k => WriteAsync(k.ToString()))];
        Assert.Equal(["a", "b"], Batches());
        Assert.Equal(5, _writer.Waiting);

        _store.Batches[1].LetThrough();
        Assert.Equal(["a", "cde"], Batches());
        _store.Batches[0].LetThrough();
        Assert.Equal(["cde", "fg"], Batches());

        LetAllThrough();
        Assert.All(await Task.WhenAll(writes), o => Assert.Equal(HomeOutcomeKind.Done, o.Kind));
        Assert.Equal(["a", "b", "c", "d", "e", "f", "g"], await _store.KeysAsync());
    }

    [Fact]
    public async Task WriteAsync_OneKeyOften_OneAtATimeInOrderAndNoneRefused()
    {
        Task<HomeOutcome>[] writes = [.. Enumerable.Range(0, 5).Select(_ => WriteAsync("a"))];
        Task<HomeOutcome> other = WriteAsync("b");
        Assert.Equal(["a", "b"], Batches());

        List<RecordVersion> versions = [];
        while (_store.Batches.Count > 0)
        {
            Assert.Single(Batches(), b => b.Contains('a', StringComparison.Ordinal));
            versions.AddRange(_store.Batches[0].LetThrough().Results.Select(r => r.Version));
        }

        HomeOutcome[] outcomes = await Task.WhenAll(writes);
        Assert.All(outcomes, o => Assert.Equal(HomeOutcomeKind.Done, o.Kind));
        Assert.Equal(outcomes.Select(o => o.Version).Order(), outcomes.Select(o => o.Version));
        Assert.Equal(outcomes[^1].Version, (await _store.FindAsync("a"))!.Version);
        Assert.Equal(HomeOutcomeKind.Done, (await other).Kind);
    }

    [Fact]
    public async Task WriteAsync_LargeWrites_ABatchHoldsNoMoreBytes()
    {
        Task<HomeOutcome>[] first = [WriteAsync("x"), WriteAsync("y")];
        Task<HomeOutcome>[] large =
        [
            WriteAsync("a", bytes: 600_000), WriteAsync("b", bytes: 600_000), WriteAsync("c", bytes: 5_000_000),
            WriteAsync("d"),
        ];

        List<string> batches = [];
        while (_store.Batches.Count > 0)
        {
            batches.Add(Batches()[0]);
            _store.Batches[0].LetThrough();
        }

        Assert.Equal(["x", "y", "a", "b", "c", "d"], batches);
        await Task.WhenAll([.. first, .. large]);
    }

    [Fact]
    public async Task WriteAsync_MoreThanMayWait_IsRefusedAtOnce()
    {
        Task<HomeOutcome>[] writes = [.. "abcdefg".Select(k => WriteAsync(k.ToString()))];

        Assert.Equal(new HomeOutcome(HomeOutcomeKind.Overloaded), await WriteAsync("h"));
        Assert.Equal(new HomeOutcome(HomeOutcomeKind.Overloaded), await WriteAsync("a"));

        LetAllThrough();
        await Task.WhenAll(writes);
        Assert.Null(await _store.FindAsync("h"));
    }

    [Fact]
    public async Task WriteAsync_CancelledWhileItWaits_IsNeverWritten()
    {
        using CancellationTokenSource patience = new();
        Task<HomeOutcome>[] before = [WriteAsync("a"), WriteAsync("b")];
        Task<HomeOutcome>[] given =
            [WriteAsync("a", token: patience.Token), WriteAsync("c", token: patience.Token)];
        Task<HomeOutcome>[] behind = [WriteAsync("a"), WriteAsync("c")];

        await patience.CancelAsync();

        Assert.All(await Task.WhenAll(given), o => Assert.Equal(new HomeOutcome(HomeOutcomeKind.Cancelled), o));
        Assert.Equal(2, _writer.Waiting);
        LetAllThrough();
        Assert.All(await Task.WhenAll([.. before, .. behind]), o => Assert.Equal(HomeOutcomeKind.Done, o.Kind));
        Assert.Equal(4, _store.Committed);
        Assert.Equal(HomeOutcomeKind.Cancelled, (await WriteAsync("z", token: patience.Token)).Kind);
    }

    /// <summary>What a batch has cannot be taken back: the answer is unknown, never failed.</summary>
    [Fact]
    public async Task WriteAsync_CancelledInABatch_IsUnknownAtOnceAndStillWritten()
    {
        using CancellationTokenSource patience = new();
        Task<HomeOutcome> given = WriteAsync("a", token: patience.Token);
        Task<HomeOutcome> behind = WriteAsync("a");

        await patience.CancelAsync();

        Assert.Equal(HomeOutcomeKind.Unknown, (await given).Kind);
        Assert.Equal(["a"], Batches());
        LetAllThrough();
        Assert.Equal(HomeOutcomeKind.Done, (await behind).Kind);
        Assert.Equal(2, _store.Committed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WriteAsync_TheDatabaseFails_EachIsToldWhatIsKnownAndTheNextGoOn(bool isUnknown)
    {
        Task<HomeOutcome> failed = WriteAsync("a");
        Task<HomeOutcome> next = WriteAsync("a");

        _store.Batches[0].Fail(isUnknown
            ? new DatabaseOutcomeUnknownException("lost")
            : new DatabaseUnavailableException("down"));

        Assert.Equal(
            new HomeOutcome(isUnknown ? HomeOutcomeKind.Unknown : HomeOutcomeKind.NotDone), await failed);
        LetAllThrough();
        Assert.Equal(HomeOutcomeKind.Done, (await next).Kind);
    }

    [Fact]
    public async Task WriteAsync_ABugInTheStore_IsItsBatchsFaultAlone()
    {
        Task<HomeOutcome> failed = WriteAsync("a");
        Task<HomeOutcome> next = WriteAsync("a");

        _store.Batches[0].Fail(new InvalidOperationException("a bug"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => failed);
        LetAllThrough();
        Assert.Equal(HomeOutcomeKind.Done, (await next).Kind);
    }

    [Fact]
    public async Task WriteAsync_ASealThatThrowsOrSealsAnother_IsItsOwnFaultAlone()
    {
        Task<HomeOutcome>[] busy = [WriteAsync("x"), WriteAsync("y")];
        Task<HomeOutcome> throws = WriteAsync(
            Draft("a") with { Seal = _ => throw new FormatException("not sealed") }, default);
        Task<HomeOutcome> wrong = WriteAsync(Draft("b") with { Seal = v => Value("other", v) }, default);
        Task<HomeOutcome> good = WriteAsync("c");

        LetAllThrough();

        await Assert.ThrowsAsync<FormatException>(() => throws);
        await Assert.ThrowsAsync<InvalidOperationException>(() => wrong);
        Assert.Equal(HomeOutcomeKind.Done, (await good).Kind);
        await Task.WhenAll(busy);
        Assert.Equal(["c", "x", "y"], await _store.KeysAsync());
    }

    [Fact]
    public async Task WriteAsync_ExpectedAndRepeated_TheStoresVerdicts()
    {
        Guid request = new("0190a000-0000-7000-8000-000000000003");
        Task<HomeOutcome> first = WriteAsync(Draft("a", request), default);
        Task<HomeOutcome> again = WriteAsync(Draft("a", request), default);
        Task<HomeOutcome> conflict = WriteAsync(Draft("a") with { Expected = RecordVersion.None }, default);

        LetAllThrough();

        RecordVersion version = (await first).Version;
        Assert.Equal((HomeOutcomeKind.Repeated, version), ((await again).Kind, (await again).Version));
        Assert.NotEqual(0u, (await again).TransactionId);
        Assert.Equal(new HomeOutcome(HomeOutcomeKind.Conflict, version, 0), await conflict);
    }

    [Fact]
    public async Task DisposeAsync_WhatWaitsIsNotDoneAndWhatIsUnderWayIsWaitedFor()
    {
        Task<HomeOutcome>[] busy = [WriteAsync("a"), WriteAsync("b")];
        Task<HomeOutcome>[] waiting = [WriteAsync("a"), WriteAsync("c")];

        Task end = Task.CompletedTask;
        GatedStore.Inline(() => end = _writer.DisposeAsync().AsTask());

        Assert.All(await Task.WhenAll(waiting), o => Assert.Equal(new HomeOutcome(HomeOutcomeKind.NotDone), o));
        Assert.False(end.IsCompleted);
        Assert.Equal(HomeOutcomeKind.NotDone, (await WriteAsync("d")).Kind);
        LetAllThrough();
        await end;
        Assert.All(await Task.WhenAll(busy), o => Assert.Equal(HomeOutcomeKind.Done, o.Kind));
    }

    /// <summary>A batch is nobody's: a request's context would otherwise live on, and its trace grow.</summary>
    [Fact]
    public async Task WriteAsync_LaterBatches_KnowNothingOfWhoOpenedTheLane()
    {
        ambient.Value = "a request";
        string? seen = "not sealed";
        Task<HomeOutcome>[] busy = [WriteAsync("x"), WriteAsync("y")];
        Task<HomeOutcome> write = WriteAsync(
            Draft("a") with
            {
                Seal = version =>
                {
                    seen = ambient.Value;
                    return Value("a", version);
                },
            }, default);
        ambient.Value = null;
        foreach (GatedStore.GatedBatch batch in _store.Batches.ToArray())
            await Task.Run(batch.LetThrough);
        LetAllThrough();
        await Task.WhenAll([.. busy, write]);

        Assert.Null(seen);
    }

    private static WriteDraft Draft(string key, Guid request = default, int bytes = 100) => new()
    {
        Class = TestRecords.Class, Slot = Slot, Key = Key(key), Term = 1, Kind = RecordKind.Value,
        RequestId = request, Bytes = bytes, Seal = version => Value(key, version, request: request),
    };

    private Task<HomeOutcome> WriteAsync(string key, int bytes = 100, CancellationToken token = default) =>
        WriteAsync(Draft(key, bytes: bytes), token);

    private Task<HomeOutcome> WriteAsync(WriteDraft draft, CancellationToken token = default)
    {
        Task<HomeOutcome>? write = null;
        GatedStore.Inline(() => write = _writer.WriteAsync(draft, token));
        return write!;
    }

    private string[] Batches() => [.. _store.Batches.Select(
        b => string.Concat(b.Writes.Select(w => Encoding.UTF8.GetString(w.Record.Key.Span))))];

    private void LetAllThrough()
    {
        while (_store.Batches.Count > 0)
            _store.Batches[0].LetThrough();
    }
}
