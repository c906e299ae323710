using System.Diagnostics;
using System.Globalization;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Tests.Audit;

/// <summary>C4: no event is lost that was answered as written, and what cannot be kept is said.</summary>
public sealed class SpoolTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lepton-spool-").FullName;

    private AuditOptions Ring => new()
    {
        SpoolDirectory = _directory, SpoolBytesMax = 64 << 10, SegmentBytesMax = 8 << 10,
    };

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static AuditEvent Event(string message = "") => new()
    {
        Action = "lepton.routing.v1.RoutingService/DrainNode", Message = message,
        Category = AuditCategory.Management, Outcome = AuditOutcome.Succeeded,
    };

    private string[] Segments() => [.. Directory.GetFiles(_directory, "*.audit").Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Write_EmptyEvent_IsFilledInAndReadByTheNextProcess()
    {
        using (TestSpool spool = new(Ring))
        {
            await spool.Log.WriteAsync(Event("one"), CancellationToken.None);
            spool.Log.Report(Event("two"));
            spool.Spool.Drain();
        }
        using TestSpool next = new(Ring);
        IReadOnlyList<AuditEvent> events = next.Files.ReadAll();
        Assert.Equal(["one", "two"], events.Select(e => e.Message));
        Assert.All(events, e =>
        {
            Assert.Equal(32, e.Id.Length);
            Assert.Equal('7', e.Id[12]);
            Assert.NotNull(e.EventTime);
            Assert.Equal(("eu-west", "a", "routing", "routing-eu-west"), (e.Region, e.Zone, e.Service, e.Process));
        });
        Assert.Equal(2, next.Files.Events);
    }

    [Fact]
    public async Task Write_TextsBeyondTheirLimits_AreCutAndCleaned()
    {
        using TestSpool spool = new(Ring);
        AuditEvent e = Event(new string('m', 5_000));
        e.Resource = "nodes/a\nforged line" + new string('x', 300);
        e.Actor = new AuditActor { Principal = "\ud800broken" };
        for (int i = 0; i < 40; i++)
            e.Details[string.Create(CultureInfo.InvariantCulture, $"{i}")] = new string('d', 999);
        await spool.Log.WriteAsync(e, CancellationToken.None);
        AuditEvent read = Assert.Single(spool.Files.ReadAll());
        Assert.Equal(1_000, read.Message.Length);
        Assert.Equal(256, read.Resource.Length);
        Assert.StartsWith("nodes/a?forged", read.Resource, StringComparison.Ordinal);
        Assert.Equal("?broken", read.Actor.Principal);
        Assert.Equal(16, read.Details.Count);
        Assert.All(read.Details.Values, v => Assert.Equal(256, v.Length));
    }

    [Fact]
    public async Task Start_TornTail_IsCutAtEveryByteAndTheRestIsKept()
    {
        using (TestSpool spool = new(Ring))
        {
            await spool.Log.WriteAsync(Event("one"), CancellationToken.None);
            await spool.Log.WriteAsync(Event("two"), CancellationToken.None);
        }
        byte[] whole = File.ReadAllBytes(Segments()[0]);
        int first = SpoolFrame.HeaderBytes + BitConverter.ToInt32(whole);
        for (int cut = first; cut < whole.Length; cut++)
        {
            File.WriteAllBytes(Segments()[0], whole[..cut]);
            using TestSpool spool = new(Ring);
            Assert.Equal(cut - first, spool.Files.BytesCut);
            Assert.Equal("one", Assert.Single(spool.Files.ReadAll()).Message);
        }
    }

    [Fact]
    public async Task Read_DamageInTheMiddle_IsPassedOverAndTold()
    {
        using (TestSpool spool = new(Ring))
        {
            await spool.Log.WriteAsync(Event("one"), CancellationToken.None);
            spool.Files.RollNext();
            await spool.Log.WriteAsync(Event("two"), CancellationToken.None);
        }
        byte[] bytes = File.ReadAllBytes(Segments()[0]);
        bytes[^3] ^= 1;
        File.WriteAllBytes(Segments()[0], bytes);
        using TestSpool next = new(Ring);
        SpoolRead read = next.Files.Read(default, 100, 1 << 20);
        Assert.Equal(bytes.Length, read.BytesDamaged);
        Assert.Equal("two", AuditEvent.Parser.ParseFrom(Assert.Single(read.Payloads)).Message);
    }

    [Fact]
    public async Task Write_ManyAtOnce_ShareFlushes()
    {
        int flushes = 0;
        using TestSpool spool = new(TestSpool.WithLog(_directory, 4 << 20),
            path => new CountedFile(path, () => flushes++));
        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => Task.Run(
            () => spool.Log.WriteAsync(Event(), CancellationToken.None).AsTask())));
        Assert.InRange(flushes, 1, 1_000);
        Assert.Equal(2_000, spool.Files.Events);
    }

    [Fact]
    public async Task Write_DiskFull_ThrowsThenRecoversAndLosesNothingOfBefore()
    {
        bool full = false;
        using TestSpool spool = new(Ring, path => full
            ? new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)
            : new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
        await spool.Log.WriteAsync(Event("before"), CancellationToken.None);
        full = true;
        spool.Files.RollNext();
        await Assert.ThrowsAsync<AuditUnavailableException>(
            async () => await spool.Log.WriteAsync(Event("lost"), CancellationToken.None));
        spool.Log.Report(Event("dropped")); // never throws
        spool.Spool.Drain();
        spool.Spool.Probe();
        Assert.NotNull(spool.Spool.Fault);
        full = false;
        spool.Spool.Probe(); // no work needs to come for it to recover
        Assert.Null(spool.Spool.Fault);
        await spool.Log.WriteAsync(Event("after"), CancellationToken.None);
        Assert.Equal(["before", "after"], spool.Files.ReadAll().Select(e => e.Message));
    }

    [Fact]
    public async Task Write_FolderGone_Throws()
    {
        using TestSpool spool = new(Ring);
        Directory.Delete(_directory, recursive: true);
        await Assert.ThrowsAsync<AuditUnavailableException>(
            async () => await spool.Log.WriteAsync(Event(), CancellationToken.None));
        Directory.CreateDirectory(_directory);
        await spool.Log.WriteAsync(Event(), CancellationToken.None);
    }

    [Fact]
    public async Task Write_SpoolFullAndLogSilent_ReportsGoFirstThenWritersAreRefused()
    {
        using TestSpool spool = new(TestSpool.WithLog(_directory));
        int reported = 0;
        for (; reported < 2_000 && spool.Files.Bytes < (56 << 10) - 600; reported++)
        {
            spool.Log.Report(Event(new string('r', 400)));
            spool.Spool.Drain();
        }
        long events = spool.Files.Events;
        for (int i = 0; i < 10; i++)
            spool.Log.Report(Event(new string('r', 400)));
        spool.Spool.Drain();
        Assert.InRange(spool.Files.Events, events, events + 1); // the last eighth is not theirs
        await spool.Log.WriteAsync(Event("still"), CancellationToken.None);
        await Assert.ThrowsAsync<AuditUnavailableException>(async () =>
        {
            while (true)
                await spool.Log.WriteAsync(Event(new string('w', 400)), CancellationToken.None);
        });
        Assert.InRange(spool.Files.Bytes, 60 << 10, 64 << 10);
        Assert.NotNull(spool.Spool.Fault);
    }

    [Fact]
    public async Task Write_NoLogConfigured_KeepsTheNewest()
    {
        using TestSpool spool = new(Ring);
        for (int i = 0; i < 500; i++)
            await spool.Log.WriteAsync(
                Event(string.Create(CultureInfo.InvariantCulture, $"{i} {new string('x', 400)}")),
                CancellationToken.None);
        Assert.InRange(spool.Files.Bytes, 40 << 10, 64 << 10);
        IReadOnlyList<AuditEvent> kept = spool.Files.ReadAll();
        Assert.StartsWith("499 ", kept[^1].Message, StringComparison.Ordinal);
        Assert.DoesNotContain(kept, e => e.Message.StartsWith("0 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Start_FolderOfAnotherProcess_IsRefusedByName()
    {
        using TestSpool spool = new(Ring);
        IOException e = Assert.Throws<IOException>(() => new TestSpool(Ring));
        Assert.StartsWith("Audit:SpoolDirectory takes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KillNine_WhileWriting_LosesNothingThatWasAnswered()
    {
        List<string> answered = [];
        for (int round = 0; round < 3; round++)
        {
            using Process writer = Process.Start(new ProcessStartInfo("dotnet")
            {
                ArgumentList = { "exec", typeof(SpoolTests).Assembly.Location, "spool-writer", _directory },
                RedirectStandardOutput = true,
            })!;
            for (int i = 0; i < 40 * (round + 1); i++)
                answered.Add(await writer.StandardOutput.ReadLineAsync()
                    ?? throw new InvalidOperationException("The writer ended by itself."));
            writer.Kill(); // SIGKILL, amid a write
            while (await writer.StandardOutput.ReadLineAsync() is { Length: 32 } id)
                answered.Add(id);
            await writer.WaitForExitAsync();
        }
        using SpoolFiles files = new(_directory, 16 << 10);
        HashSet<string> there = [.. files.ReadAll().Select(e => e.Id)];
        Assert.All(answered, id => Assert.Contains(id, there));
        Assert.InRange(answered.Count, 240, int.MaxValue);
    }

    private sealed class CountedFile(string path, Action flushed)
        : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0)
    {
        public override void Flush(bool flushToDisk)
        {
            flushed();
            base.Flush(flushToDisk);
        }
    }
}
