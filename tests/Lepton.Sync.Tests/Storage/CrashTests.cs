using System.Collections.Concurrent;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Xunit.Abstractions;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>P3, S4: kill -9 of the postmaster while sixteen write, and the ledger afterwards.</summary>
[Trait("Category", "Long")] // with real servers: minutes
public sealed class CrashTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Writers = 16;
    private const int Crashes = 3;
    private const int DoneBetween = 200;

    private readonly PostgresServer _server = new("sync", replicates: true);

    public Task InitializeAsync() => _server.InitializeAsync();

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task WriteAsync_TheServerCrashes_DoneIsThereNotDoneIsNotAndUnknownCanBeAskedAgain()
    {
        await using TestStorage storage = new(await _server.CreateDatabaseAsync());
        await storage.Database.EnsureSchemaAsync(default);
        await using HomeWriter writer = storage.Writer(storage.Store);
        ConcurrentBag<Entry> ledger = [];
        using CancellationTokenSource end = new();
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(w => WriteOnAsync(writer, w, ledger, end.Token))];

        for (int crash = 0; crash < Crashes; crash++)
        {
            await DoneAsync(ledger, DoneCount(ledger) + DoneBetween);
            await _server.CrashAsync();
        }
        await DoneAsync(ledger, DoneCount(ledger) + DoneBetween);
        await end.CancelAsync();
        await Task.WhenAll(writers);

        Assert.Contains(ledger, e => e.Outcome.Kind != HomeOutcomeKind.Done);
        foreach (IGrouping<HomeOutcomeKind, Entry> outcome in ledger.GroupBy(e => e.Outcome.Kind))
            output.WriteLine($"{outcome.Key}: {outcome.Count()} writes");
        foreach (Entry entry in ledger)
            await JudgeAsync(storage, writer, entry);
    }

    // Each write a key of its own, so that every one can be accounted for.
    private static async Task WriteOnAsync(
        HomeWriter writer, int number, ConcurrentBag<Entry> ledger, CancellationToken end)
    {
        using PeriodicTimer backOff = new(TimeSpan.FromMilliseconds(20)); // as a client would
        for (int i = 0; !end.IsCancellationRequested; i++)
        {
            string key = $"{number}/{i}";
            Guid request = Guid.NewGuid();
            HomeOutcome outcome = await writer.WriteAsync(Draft(key, request), CancellationToken.None);
            ledger.Add(new Entry(key, request, outcome));
            if (outcome.Kind != HomeOutcomeKind.Done)
                await backOff.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static async Task JudgeAsync(TestStorage storage, HomeWriter writer, Entry entry)
    {
        StoredRecord? row = await storage.Store.FindAsync(entry.Key);
        switch (entry.Outcome.Kind)
        {
            case HomeOutcomeKind.Done:
                Assert.Equal(entry.Outcome.Version, row?.Version);
                Assert.True(row!.IsIntact);
                break;
            case HomeOutcomeKind.NotDone:
                Assert.Null(row);
                break;
            default:
                Assert.Equal(HomeOutcomeKind.Unknown, entry.Outcome.Kind);
                HomeOutcome again = await writer.WriteAsync(Draft(entry.Key, entry.Request), default);
                Assert.Equal(row is null ? HomeOutcomeKind.Done : HomeOutcomeKind.Repeated, again.Kind);
                Assert.Equal(again.Version, (await storage.Store.FindAsync(entry.Key))?.Version);
                break;
        }
    }

    private static WriteDraft Draft(string key, Guid request) => new()
    {
        Class = TestRecords.Class, Slot = Slot, Key = Key(key), Term = 1, Kind = RecordKind.Value, Bytes = 200,
        RequestId = request, Seal = version => Value(key, version, request: request),
    };

    private static int DoneCount(ConcurrentBag<Entry> ledger) =>
        ledger.Count(e => e.Outcome.Kind == HomeOutcomeKind.Done);

    private static async Task DoneAsync(ConcurrentBag<Entry> ledger, int count)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(2));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(10));
        while (DoneCount(ledger) < count)
            await look.WaitForNextTickAsync(patience.Token);
    }

    private sealed record Entry(string Key, Guid Request, HomeOutcome Outcome);
}
