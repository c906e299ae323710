using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Tests.Replication.World;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3: what was captured is given to every reader, in order and whole, or the reader hears that it is
/// not.</summary>
public sealed class SpoolTests
{
    private const string Timeline = "t1";

    [Fact]
    public async Task Reader_Entries_AreReadableBeforeTheyAreWritten()
    {
        using Spool spool = await OpenAsync(new MemorySpoolFiles());
        await spool.BeginAsync(Begun(100), default);
        SpoolReader reader = spool.OpenReader(Timeline, new LogPosition(100))!;

        await spool.AppendAsync(Entry(101), default);

        Assert.Equal(101UL, (await reader.TryReadAsync(default))!.Position.Value);
        Assert.Null(await reader.TryReadAsync(default));
        Assert.False(reader.IsLost);
    }

    [Fact]
    public async Task Begin_AfterAGap_GivesUpWhatIsHereAndSaysSo()
    {
        using Spool spool = await OpenAsync(new MemorySpoolFiles());
        await spool.BeginAsync(Begun(100), default);
        await spool.AppendAsync(Entry(101), default);
        SpoolReader reader = spool.OpenReader(Timeline, new LogPosition(100))!;

        Assert.False(await spool.BeginAsync(Begun(101), default));
        Assert.True(await spool.BeginAsync(Begun(150), default));

        Assert.Null(await reader.TryReadAsync(default));
        Assert.True(reader.IsLost);
        Assert.Null(spool.OpenReader(Timeline, new LogPosition(101)));
        Assert.NotNull(spool.OpenReader(Timeline, new LogPosition(150)));
        Assert.Null(spool.OpenReader("t2", new LogPosition(150)));
    }

    [Fact]
    public async Task OpenReader_BeyondWhereTheLogEnded_IsRefused()
    {
        using Spool spool = await OpenAsync(new MemorySpoolFiles());
        await spool.BeginAsync(new CaptureBegun(Timeline, new(100), new(200)), default);

        Assert.NotNull(spool.OpenReader(Timeline, new LogPosition(200)));
        Assert.Null(spool.OpenReader(Timeline, new LogPosition(201)));
        Assert.Null(spool.OpenReader(Timeline, new LogPosition(99)));
    }

    [Fact]
    public async Task Flush_OnAFullDisk_FailsAndLosesNothing()
    {
        MemorySpoolFiles files = new();
        using Spool spool = await OpenAsync(files);
        await spool.BeginAsync(Begun(100), default);
        await spool.AppendAsync(Entry(101), default);
        files.IsFull = true;

        await Assert.ThrowsAsync<IOException>(() => spool.FlushAsync(default));
        files.IsFull = false;

        Assert.Equal(101UL, (await spool.FlushAsync(default))!.Value.Value);
        Assert.Null(await spool.FlushAsync(default));
    }

    [Fact]
    public async Task Append_BeyondMemory_WaitsForTheDisk()
    {
        ReplicationOptions options = Parts.Options();
        using Spool spool = await OpenAsync(new MemorySpoolFiles(), options);
        await spool.BeginAsync(Begun(100), default);
        ulong position = 100;
        ValueTask waiting = default;
        for (int bytes = 0; bytes <= options.SpoolMemoryBytesMax; bytes += Entry(1, 4000).Size)
            waiting = spool.AppendAsync(Entry(++position, 4000), default);

        Assert.False(waiting.IsCompleted);
        while (await spool.FlushAsync(default) is not null)
        {
            // Until nothing is left.
        }
        await waiting;
        Assert.Equal(position, spool.End.Value);
    }

    [Fact]
    public async Task Bound_SegmentsBeyondIt_AreGivenUpAndTheirReadersHearIt()
    {
        ReplicationOptions options = Parts.Options();
        using Spool spool = await OpenAsync(new MemorySpoolFiles(), options);
        await spool.BeginAsync(Begun(100), default);
        SpoolReader slow = spool.OpenReader(Timeline, new LogPosition(100))!;
        for (ulong position = 101; position < 400; position++)
        {
            await spool.AppendAsync(Entry(position, 2000), default);
            await spool.FlushAsync(default);
        }

        Assert.InRange(spool.Bytes, 1, options.SpoolBytesMax);
        Assert.Null(await slow.TryReadAsync(default));
        Assert.True(slow.IsLost);
        Assert.Null(spool.OpenReader(Timeline, new LogPosition(100)));
        SpoolReader oldest = spool.OpenReader(Timeline, spool.Start)!;
        Assert.Equal(spool.Start.Value + 1, (await oldest.TryReadAsync(default))!.Position.Value);
    }

    [Fact]
    public async Task Trim_WhatEverybodyHas_IsDeleted()
    {
        using Spool spool = await OpenAsync(new MemorySpoolFiles());
        await spool.BeginAsync(Begun(100), default);
        for (ulong position = 101; position < 140; position++)
        {
            await spool.AppendAsync(Entry(position, 2000), default);
            await spool.FlushAsync(default);
        }
        long before = spool.Bytes;

        spool.Trim(new LogPosition(125));

        Assert.True(spool.Bytes < before);
        Assert.True(spool.Start.Value <= 125);
        SpoolReader reader = spool.OpenReader(Timeline, new LogPosition(125))!;
        Assert.Equal(126UL, (await reader.TryReadAsync(default))!.Position.Value);
    }

    [Fact]
    public async Task Reader_WithinATransaction_GetsEveryPieceOfIt()
    {
        using Spool spool = await OpenAsync(new MemorySpoolFiles());
        await spool.BeginAsync(Begun(100), default);
        foreach (SpoolEntry entry in new[] { Entry(101), Piece(105), Piece(105), Entry(110) })
        {
            // A piece's position is within the transaction: nothing may take it for one that is here already.
            await spool.AppendAsync(entry, default);
            await spool.FlushAsync(default);
        }

        SpoolReader reader = spool.OpenReader(Timeline, new LogPosition(101))!;
        List<ulong> read = await ReadAllAsync(reader);

        Assert.Equal([105, 105, 110], read);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Property_CrashesAndFlippedBits_ReadersGetAllInOrderOrHearOfIt(int start)
    {
        int[] outcomes = new int[3];
        for (int seed = start * 1000; seed < (start * 1000) + 50; seed++)
            await LiveAsync(seed, outcomes);

        // Whole, lost while it was read, refused: each must have happened, or nothing was tried.
        Assert.All(outcomes, count => Assert.InRange(count, 10, int.MaxValue));
        Assert.True(outcomes[0] > outcomes[1] + outcomes[2]);
    }

    /// <summary>A spool's life: appended to, flushed, crashed, damaged, read.</summary>
    private static async Task LiveAsync(int seed, int[] outcomes)
    {
        Random random = new(seed);
        MemorySpoolFiles files = new();
        List<ulong> log = []; // what the database has: all of it, always
        ulong confirmed = 100;
        ulong end = 100;
        for (int life = 0; life < 6; life++)
        {
            using Spool spool = await OpenAsync(files);
            await spool.BeginAsync(Begun(confirmed, Math.Max(end, confirmed)), default);
            foreach (ulong position in log.Where(p => p > confirmed))
                await spool.AppendAsync(Entry(position, 500), default);
            for (int step = 0; step < 40; step++)
            {
                if (random.Next(3) > 0)
                {
                    log.Add(end += (ulong)random.Next(1, 5));
                    await spool.AppendAsync(Entry(end, random.Next(3000)), default);
                }
                if ((random.Next(3) == 0 || step % 8 == 0) && await spool.FlushAsync(default) is { } durable)
                    confirmed = Math.Max(confirmed, durable.Value);
                if (random.Next(60) == 0)
                    files.Flip(random);
                outcomes[await CheckAsync(spool, log, random, seed)]++;
            }
            files.Crash(random);
            if (random.Next(3) == 0)
                files.Flip(random);
        }
    }

    private static async Task<int> CheckAsync(Spool spool, List<ulong> log, Random random, int seed)
    {
        ulong after = random.Next(2) == 0 ? spool.Start.Value : log.Count == 0 ? 100 : log[random.Next(log.Count)];
        if (spool.OpenReader(Timeline, new LogPosition(after)) is not { } reader)
            return 2; // it hears that it must copy
        List<ulong> read = await ReadAllAsync(reader);
        List<ulong> due = [.. log.Where(p => p > after)];
        Assert.True(reader.IsLost ? due.Take(read.Count).SequenceEqual(read) : due.SequenceEqual(read),
            $"seed {seed}: after {after} came {string.Join(' ', read)}, due was {string.Join(' ', due)}");
        return reader.IsLost ? 1 : 0;
    }

    private static async Task<List<ulong>> ReadAllAsync(SpoolReader reader)
    {
        List<ulong> read = [];
        while (await reader.TryReadAsync(default) is { } entry)
            read.Add(entry.Position.Value);
        return read;
    }

    private static async Task<Spool> OpenAsync(MemorySpoolFiles files, ReplicationOptions? options = null)
    {
        Spool spool = new(files, options ?? Parts.Options(), Parts.Metrics(), NullLogger<Spool>.Instance);
        await spool.OpenAsync(default);
        return spool;
    }

    private static CaptureBegun Begun(ulong position, ulong? end = null) =>
        new(Timeline, new LogPosition(position), new LogPosition(end ?? position));

    private static SpoolEntry Entry(ulong position, int bytes = 10) => new(new LogPosition(position),
        DateTimeOffset.UnixEpoch, 7, true, [new SpoolRow(new ClassId(0), new SlotId(1), new byte[bytes])]);

    private static SpoolEntry Piece(ulong position) => Entry(position) with { IsComplete = false };
}
