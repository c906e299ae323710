using System.Diagnostics.Metrics;
using System.Text;
using Lepton.Compliance.Client;
using Lepton.Routing.Decisions;
using Lepton.Routing.Tests.World;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.Decisions;

public sealed class DecisionLogTests : IDisposable
{
    private static readonly ResidencyPolicy Policy = ResidencyPolicy.Parse(
        Encoding.UTF8.GetBytes(TestRouter.Policy), ["eu-west"]);

    private readonly string _directory = Directory.CreateTempSubdirectory("lepton-log-").FullName;
    private readonly MeterFactory _meters = new();

    private RoutingOptions Bounds => new()
    {
        DecisionDirectory = _directory, SegmentBytesMax = 4096, DecisionBytesMax = 16384, RecentDecisionsMax = 16,
    };

    public void Dispose()
    {
        _meters.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static DecisionDraft Draft(DateTimeOffset? at = null) => new()
    {
        Id = DecisionId.New("eu-west", at ?? DateTimeOffset.UtcNow), Region = "eu-west",
        CreateTime = at ?? DateTimeOffset.UtcNow, Method = "ModelInfer", Policy = Policy, Tenant = "demo",
            Model = "ocr",
    };

    private DecisionLog Log(Func<string, FileStream>? open = null) => new(
        new SegmentStore(Bounds, TimeProvider.System, open), Options.Create(Bounds), TimeProvider.System,
        new RoutingMetrics(_meters), NullLogger<DecisionLog>.Instance);

    private string[] Segments() => [.. Directory.GetFiles(_directory).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task WriteDurably_ThenCrash_IsFoundByTheNextProcess()
    {
        DecisionDraft draft = Draft();
        using (DecisionLog log = Log())
        {
            await log.StartAsync(CancellationToken.None);
            Assert.True(await log.WriteDurablyAsync(draft, CancellationToken.None));
            // No stop: what is promised is on the disk now.
            Assert.Contains(draft.Id, Encoding.UTF8.GetString(File.ReadAllBytes(Segments()[0])),
                StringComparison.Ordinal);
            await log.StopAsync(CancellationToken.None);
        }
        using DecisionLog next = Log();
        Assert.Equal(DecisionDraft.UnderWay, next.Find(draft.Id)!.StatusCode);
    }

    [Fact]
    public async Task Write_AtTheEnd_ReplacesWhatWasWrittenBefore()
    {
        DecisionDraft draft = Draft();
        using (DecisionLog log = Log())
        {
            await log.StartAsync(CancellationToken.None);
            await log.WriteDurablyAsync(draft, CancellationToken.None);
            draft.StatusCode = 0;
            log.Write(draft);
            Assert.Equal(0, log.Find(draft.Id)!.StatusCode);
            await log.StopAsync(CancellationToken.None); // a stop writes what waits
        }
        using DecisionLog next = Log();
        Assert.Equal(0, next.Find(draft.Id)!.StatusCode);
        Assert.Null(next.Find(DecisionId.New("eu-west", DateTimeOffset.UtcNow)));
        Assert.Null(next.Find("nonsense"));
    }

    [Fact]
    public void Start_TornTail_IsCutAndTheRestIsKept()
    {
        DecisionDraft first = Draft(), second = Draft();
        using (SegmentStore store = new(Bounds, TimeProvider.System))
        {
            store.Append(Frame(first));
            store.Append(Frame(second));
        }
        byte[] whole = File.ReadAllBytes(Segments()[0]);
        int one = Frame(first).Length;
        for (int cut = one; cut < whole.Length; cut += 7)
        {
            File.WriteAllBytes(Segments()[0], whole[..cut]);
            using SegmentStore store = new(Bounds, TimeProvider.System);
            Assert.Equal(cut - one, store.BytesCut);
            Assert.NotNull(Find(store, first));
            Assert.Null(Find(store, second));
        }
        byte[] flipped = [.. whole];
        flipped[^3] ^= 1; // a bit that the disk turned
        File.WriteAllBytes(Segments()[0], flipped);
        using SegmentStore damaged = new(Bounds, TimeProvider.System);
        Assert.Equal(whole.Length - one, damaged.BytesCut);
    }

    [Fact]
    public void Append_BeyondTheBounds_DeletesTheOldest()
    {
        using SegmentStore store = new(Bounds, TimeProvider.System);
        DecisionDraft first = Draft(), last = Draft();
        store.Append(Frame(first));
        for (int i = 0; i < 300; i++)
            store.Append(Frame(Draft()));
        store.Append(Frame(last));
        Assert.InRange(Segments().Sum(s => new FileInfo(s).Length), 4096, Bounds.DecisionBytesMax);
        Assert.All(Segments(), s => Assert.True(new FileInfo(s).Length <= Bounds.SegmentBytesMax));
        Assert.Null(Find(store, first));
        Assert.NotNull(Find(store, last));
    }

    [Fact]
    public async Task Write_DiskFull_RegulatedIsRefusedOthersGoOnAndRecover()
    {
        bool full = true;
        using DecisionLog log = Log(path => full
            ? new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)
            : new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0));
        await log.StartAsync(CancellationToken.None);
        DecisionDraft lost = Draft();
        log.Write(lost);
        Assert.NotNull(log.Find(lost.Id)); // from memory
        Assert.False(await log.WriteDurablyAsync(Draft(), CancellationToken.None));
        full = false;
        DecisionDraft kept = Draft();
        Assert.True(await log.WriteDurablyAsync(kept, CancellationToken.None));
        Assert.NotNull(log.Find(kept.Id));
        await log.StopAsync(CancellationToken.None);
    }

    private static V1.Decision? Find(SegmentStore store, DecisionDraft draft) =>
        store.Find(draft.Id, draft.CreateTime.AddMinutes(-1), draft.CreateTime.AddMinutes(1));

    private static byte[] Frame(DecisionDraft draft)
    {
        System.Buffers.ArrayBufferWriter<byte> buffer = new();
        SegmentFrame.Write(buffer, draft.ToDecision());
        return buffer.WrittenSpan.ToArray();
    }

    private sealed class MeterFactory : IMeterFactory
    {
        private readonly List<Meter> _made = [];

        public Meter Create(MeterOptions options)
        {
            Meter meter = new(options);
            _made.Add(meter);
            return meter;
        }

        public void Dispose() => _made.ForEach(m => m.Dispose());
    }
}
