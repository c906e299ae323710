using System.Threading.Channels;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Tests.Replication.World;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3: every committed row is read from PostgreSQL's log, in commit order, until it is confirmed.</summary>
[Collection("postgres")]
public sealed class CaptureTests(SyncServer server) : IAsyncLifetime
{
    private string _connection = "";

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>A server has ten slots.</summary>
    public Task DisposeAsync() => new PgStore(_connection).ExecuteAsync("""
        SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()
        """);

    [Fact]
    public async Task Read_InsertsUpdatesAndDeletes_GivesWholeRowsAndIgnoresDeletes()
    {
        (PgStore store, string connection) = await StoreAsync();
        await using Reading reading = new(connection, "whole");
        await reading.NextAsync<CaptureBegun>();
        StoredRecord first = Rows.Make(0, 5, "a/1", 10, keyId: new KeyId(Guid.NewGuid()));
        StoredRecord second = Rows.Make(1, 4095, "a/2", 11, bytes: 1 << 20) with { RequestId = Guid.NewGuid() };
        second = second with { Sha256 = StoredRecord.Digest(second) };

        uint xid = await store.PutAsync(first, second);
        await store.ExecuteAsync("DELETE FROM records WHERE slot = 5");
        uint later = await store.PutAsync(Rows.Make(1, 4095, "a/2", 12, bytes: 0, kind: RecordKind.Tombstone));

        CapturedTransaction both = await reading.NextAsync<CapturedTransaction>();
        CapturedTransaction update = await reading.NextAsync<CapturedTransaction>();
        Assert.Equal((xid, later), (both.TransactionId, update.TransactionId));
        Assert.Equal(Rows.Digest([first, second]), Rows.Digest(both.Records));
        Assert.All(both.Records, row => Assert.True(row.IsIntact));
        Assert.Equal(first.KeyId, both.Records[0].KeyId);
        Assert.Equal(second.RequestId, both.Records[1].RequestId);
        Assert.Equal(RecordKind.Tombstone, Assert.Single(update.Records).Kind);
        Assert.True(update.Position > both.Position);
    }

    [Fact]
    public async Task Read_UpdateThatLeavesALargeValueAlone_GivesTheWholeRow()
    {
        (PgStore store, string connection) = await StoreAsync();
        await store.ExecuteAsync("ALTER TABLE records ALTER COLUMN body SET STORAGE EXTERNAL");
        StoredRecord row = Rows.Make(0, 5, "a/1", 10, bytes: 50_000);
        await store.PutAsync(row);
        await using Reading reading = new(connection, "toast");
        await reading.NextAsync<CaptureBegun>();

        await store.ExecuteAsync("UPDATE records SET kind = kind");

        CapturedTransaction update = await reading.NextAsync<CapturedTransaction>();
        Assert.True(Assert.Single(update.Records).IsIntact);
    }

    [Fact]
    public async Task Read_LargeTransaction_ComesInPiecesInOrder()
    {
        (PgStore store, string connection) = await StoreAsync();
        await using Reading reading = new(connection, "pieces");
        await reading.NextAsync<CaptureBegun>();

        await store.PutAsync([.. Enumerable.Range(0, 2500).Select(i => Rows.Make(0, i, $"k/{i:D5}", 100 + i, 10))]);
        await store.PutAsync(Rows.Make(0, 1, "last", 9000));

        List<StoredRecord> rows = [];
        CapturedTransaction piece;
        do
        {
            piece = await reading.NextAsync<CapturedTransaction>();
            Assert.InRange(piece.Records.Count, 0, 1000);
            rows.AddRange(piece.Records);
        }
        while (!piece.IsComplete);
        Assert.Equal(Enumerable.Range(100, 2500).Select(i => (long)i), rows.Select(r => r.Version.Clock));
        CapturedTransaction next = await reading.NextAsync<CapturedTransaction>();
        Assert.True(next.Position > piece.Position);
    }

    [Fact]
    public async Task Read_AgainAfterAConfirmation_BeginsAfterItAndLosesNothing()
    {
        (PgStore store, string connection) = await StoreAsync();
        CaptureBegun begun;
        CapturedTransaction first;
        await using (Reading reading = new(connection, "again"))
        {
            begun = await reading.NextAsync<CaptureBegun>();
            await store.PutAsync(Rows.Make(0, 1, "k/1", 1));
            await store.PutAsync(Rows.Make(0, 1, "k/2", 2));
            first = await reading.NextAsync<CapturedTransaction>();
            await reading.NextAsync<CapturedTransaction>();
            await reading.Capture.ConfirmAsync(first.Position, default);
            await Until.TrueAsync(async () => (bool)(await store.ScalarAsync($"""
                SELECT confirmed_flush_lsn = '{first.Position.Value >> 32:X}/{(uint)first.Position.Value:X}'::pg_lsn
                FROM pg_replication_slots WHERE slot_name = 'again'
                """))!, "the slot is confirmed");
        }

        await using Reading again = new(connection, "again");
        CaptureBegun resumed = await again.NextAsync<CaptureBegun>();
        CapturedTransaction second = await again.NextAsync<CapturedTransaction>();

        Assert.Equal((begun.Timeline, first.Position), (resumed.Timeline, resumed.Position));
        Assert.Equal(2, Assert.Single(second.Records).Version.Clock);
    }

    [Fact]
    public async Task Read_SlotThatIsGone_SaysSoAndBeginsANewTimeline()
    {
        (PgStore store, string connection) = await StoreAsync();
        CaptureBegun before;
        await using (Reading reading = new(connection, "gone"))
            before = await reading.NextAsync<CaptureBegun>();
        await new PgCaptureSlot(() => connection, "gone", "gone").DropAsync(default);
        await store.PutAsync(Rows.Make(0, 1, "missed", 1));

        await using Reading again = new(connection, "gone");

        Assert.Contains("gone", (await again.NextAsync<CaptureLost>()).Reason, StringComparison.Ordinal);
        CaptureBegun after = await again.NextAsync<CaptureBegun>();
        Assert.NotEqual(before.Timeline, after.Timeline);
        await store.PutAsync(Rows.Make(0, 1, "seen", 2));
        Assert.Equal(2, Assert.Single((await again.NextAsync<CapturedTransaction>()).Records).Version.Clock);
    }

    [Fact]
    public async Task Read_Marks_SayEverythingBeforeHasCome()
    {
        (PgStore store, string connection) = await StoreAsync();
        await using Reading reading = new(connection, "marks");
        await reading.NextAsync<CaptureBegun>();

        await store.PutAsync(Rows.Make(0, 1, "k", 1));
        DateTime committed = (DateTime)(await store.ScalarAsync("SELECT clock_timestamp()"))!;

        List<CaptureEvent> seen = [];
        while (seen.LastOrDefault() is not CaptureMark { Time: { } time } || time.UtcDateTime < committed)
            seen.Add(await reading.NextAsync<CaptureEvent>());
        CapturedTransaction written = Assert.Single(seen.OfType<CapturedTransaction>());
        Assert.True(((CaptureMark)seen[^1]).Position > written.Position);
        Assert.Equal(seen.OfType<CaptureMark>().Select(m => m.Position.Value).Order(),
            seen.OfType<CaptureMark>().Select(m => m.Position.Value));
    }

    [Fact]
    public async Task Retention_BeyondTheCap_DropsTheSlotRatherThanFillTheDisk()
    {
        (PgStore store, string connection) = await StoreAsync();
        PgCaptureSlot slot = new(() => connection, "capped", "capped");
        await slot.EnsureAsync(default);
        ReplicationOptions options = Parts.Options();
        options.WalBytesMax = 16 << 20;
        WalRetention retention = new(
            slot, options, Parts.Metrics(), TimeProvider.System, NullLogger<WalRetention>.Instance);
        await retention.CheckAsync(default);
        Assert.Equal("Healthy", (await retention.CheckHealthAsync(new())).Status.ToString());

        // Nobody reads; what is written stays.
        await store.ExecuteAsync("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 10 * 1024 * 1024), true)");
        await retention.CheckAsync(default);
        Assert.Equal("Degraded", (await retention.CheckHealthAsync(new())).Status.ToString());
        Assert.NotNull(await slot.ReadStateAsync(default));
        await store.ExecuteAsync("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 10 * 1024 * 1024), true)");
        await retention.CheckAsync(default);

        Assert.Null(await slot.ReadStateAsync(default));
        Assert.Equal("the replication slot is gone", (await slot.EnsureAsync(default)).LostBecause);
    }

    private async Task<(PgStore Store, string Connection)> StoreAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        PgStore store = new(_connection);
        await store.CreateAsync();
        return (store, _connection);
    }

    /// <summary>Reads until it is disposed of; the slot stays unless it is the last reader.</summary>
    private sealed class Reading : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Channel<CaptureEvent> _events = Channel.CreateUnbounded<CaptureEvent>();
        private readonly Task _run;

        public Reading(string connection, string slot)
        {
            ReplicationOptions options = Parts.Options();
            (options.Slot, options.Publication) = (slot, slot);
            Capture = new PgChangeCapture(new PgCaptureSlot(() => connection, slot, slot), options, Parts.Metrics(),
                TimeProvider.System, NullLogger<PgChangeCapture>.Instance);
            _run = RunAsync();
        }

        public PgChangeCapture Capture { get; }

        /// <summary>The next event of this kind; others that come before it are passed over.</summary>
        public async Task<T> NextAsync<T>()
            where T : CaptureEvent
        {
            using CancellationTokenSource patience = new(Until.Patience);
            while (true)
                if (await _events.Reader.ReadAsync(patience.Token) is T wanted)
                    return wanted;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run;
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            try
            {
                await foreach (CaptureEvent told in Capture.ReadAsync(_stop.Token))
                    _events.Writer.TryWrite(told);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // Enough read.
            }
            catch (Exception e)
            {
                _events.Writer.TryComplete(e);
            }
        }
    }
}
