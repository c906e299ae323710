using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using Lepton.Compliance.Client;
using Lepton.Compliance.V1;
using Lepton.Routing.Decisions;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.Decisions;

/// <summary>R9, C4: closed segments are compressed, their roots are in the audit log, and a change is found.</summary>
public sealed class SegmentSealerTests : IDisposable
{
    private static readonly ResidencyPolicy Policy = ResidencyPolicy.Parse(
        Encoding.UTF8.GetBytes(TestRouter.Policy), ["eu-west"]);

    private readonly string _directory = Directory.CreateTempSubdirectory("lepton-seal-").FullName;
    private readonly CapturedAudit _audit = new();
    private readonly Meters _meters = new();

    private RoutingOptions Bounds => new()
    {
        DecisionDirectory = _directory, SegmentBytesMax = 4096, DecisionBytesMax = 1 << 20, RecentDecisionsMax = 16,
    };

    public void Dispose()
    {
        _meters.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private SegmentSealer Sealer(SegmentStore store) => new(store, _audit,
        Options.Create(new ServiceOptions { Region = "eu-west" }), new RoutingMetrics(_meters), TimeProvider.System,
        NullLogger<SegmentSealer>.Instance);

    /// <summary>Enough for three segments: two closed, one open.</summary>
    private static List<DecisionDraft> Fill(SegmentStore store)
    {
        List<DecisionDraft> drafts = [];
        while (store.Closed().Count < 2)
            drafts.Add(AppendOne(store));
        return drafts;
    }

    private static DecisionDraft AppendOne(SegmentStore store)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        DecisionDraft draft = new()
        {
            Id = DecisionId.New("eu-west", now), Region = "eu-west", CreateTime = now, Method = "ModelInfer",
            Policy = Policy, Tenant = "demo", Model = "ocr",
        };
        ArrayBufferWriter<byte> frame = new();
        SegmentFrame.Write(frame, draft.ToDecision());
        store.Append(frame.WrittenSpan);
        return draft;
    }

    private static V1.DecisionAnchor Proof(SegmentStore store, DecisionDraft draft)
    {
        Assert.NotNull(store.Find(draft.Id, draft.CreateTime.AddMinutes(-1), draft.CreateTime.AddMinutes(1),
            out SegmentFile? segment));
        return SegmentProof.Of(segment!, store.IsOpen(segment!));
    }

    [Fact]
    public async Task Seal_ClosedSegments_AreAnchoredCompressedAndStillFound()
    {
        using SegmentStore store = new(Bounds, TimeProvider.System);
        List<DecisionDraft> drafts = Fill(store);
        Assert.Equal(V1.AnchorState.Pending, Proof(store, drafts[0]).State);
        Assert.Equal(V1.AnchorState.Open, Proof(store, drafts[^1]).State);
        await Sealer(store).SealAsync(CancellationToken.None);
        await Sealer(store).SealAsync(CancellationToken.None); // nothing is left to do
        Assert.Equal(2, _audit.Events.Count);
        V1.DecisionAnchor proof = Proof(store, drafts[0]);
        Assert.Equal((V1.AnchorState.Anchored, proof.Root), (proof.State, proof.AnchoredRoot));
        AuditEvent told = _audit.Events.Single(e => e.Details["segment"] == proof.Segment);
        Assert.Equal((AuditCategory.Audit, "decisions.anchor", proof.Root, drafts[0].Id, proof.AuditEventId),
            (told.Category, told.Action, told.Details["root"], told.Details["first"], told.Id));
        Assert.Equal(proof.Records.ToString(System.Globalization.CultureInfo.InvariantCulture),
            told.Details["records"]);
        Assert.Equal(2, Directory.GetFiles(_directory, "*.br").Length);
        Assert.Single(Directory.GetFiles(_directory, "*.decisions"));
        Assert.All(drafts, d => Proof(store, d));
    }

    [Fact]
    public async Task Seal_AuditFullOrProcessDead_IsToldLaterAsTheSameEvent()
    {
        using SegmentStore store = new(Bounds, TimeProvider.System);
        List<DecisionDraft> drafts = Fill(store);
        _audit.Full = true;
        await Assert.ThrowsAsync<Compliance.Client.Audit.AuditUnavailableException>(
            () => Sealer(store).SealAsync(CancellationToken.None));
        Assert.Equal(V1.AnchorState.Pending, Proof(store, drafts[0]).State);
        (_audit.Full, _audit.Crash) = (false, true);
        await Assert.ThrowsAsync<Compliance.Client.Audit.AuditUnavailableException>(
            () => Sealer(store).SealAsync(CancellationToken.None));
        _audit.Crash = false;
        await Sealer(store).SealAsync(CancellationToken.None);
        Assert.Equal(3, _audit.Events.Count);
        Assert.Equal(2, _audit.Events.Select(e => e.Id).Distinct().Count());
        Assert.Equal(V1.AnchorState.Anchored, Proof(store, drafts[0]).State);
    }

    [Fact]
    public async Task Seal_CrashBetweenCompressingAndDeleting_IsFinishedLater()
    {
        using SegmentStore store = new(Bounds, TimeProvider.System);
        List<DecisionDraft> drafts = Fill(store);
        SegmentFile first = store.Closed()[0];
        byte[] frames = first.Read()!;
        await Sealer(store).SealAsync(CancellationToken.None);
        await File.WriteAllBytesAsync(first.PlainPath, frames); // both forms are there
        await Sealer(store).SealAsync(CancellationToken.None);
        Assert.False(File.Exists(first.PlainPath));
        Assert.Equal(2, _audit.Events.Count);
        Assert.Equal(V1.AnchorState.Anchored, Proof(store, drafts[0]).State);
    }

    [Theory]
    [InlineData("change")]
    [InlineData("remove")]
    [InlineData("reorder")]
    [InlineData("truncate")]
    [InlineData("garbage")]
    public async Task Proof_SegmentTamperedWith_IsBroken(string how)
    {
        using SegmentStore store = new(Bounds, TimeProvider.System);
        List<DecisionDraft> drafts = Fill(store);
        await Sealer(store).SealAsync(CancellationToken.None);
        SegmentFile segment = store.Closed()[0];
        List<V1.Decision> records = [];
        ReadOnlySpan<byte> rest = segment.Read();
        while (SegmentFrame.TryRead(rest, out ReadOnlySpan<byte> payload))
        {
            records.Add(V1.Decision.Parser.ParseFrom(payload));
            rest = rest[(SegmentFrame.HeaderBytes + payload.Length)..];
        }
        switch (how)
        {
            case "change":
                records[2].Tenant = "other";
                break;
            case "remove":
                records.RemoveAt(2);
                break;
            case "reorder":
                records.Reverse(1, 3);
                break;
            case "truncate":
                records.RemoveRange(3, records.Count - 3);
                break;
        }
        // With right checksums, by somebody who knows the format.
        ArrayBufferWriter<byte> frames = new();
        foreach (V1.Decision record in records)
            SegmentFrame.Write(frames, record);
        segment.Pack(frames.WrittenSpan);
        if (how == "garbage")
            await File.WriteAllBytesAsync(segment.PackedPath, [1, 2, 3, 4]);
        V1.DecisionAnchor proof = SegmentProof.Of(segment, isOpen: false);
        Assert.Equal(V1.AnchorState.Broken, proof.State);
        Assert.NotEqual(proof.AnchoredRoot, proof.Root);
        Assert.Equal(V1.AnchorState.Anchored, SegmentProof.Of(store.Closed()[1], isOpen: false).State);
        Assert.Equal(how is "garbage", store.Find(drafts[0].Id, drafts[0].CreateTime.AddMinutes(-1),
            drafts[0].CreateTime.AddMinutes(1)) is null);
    }

    [Fact]
    public async Task Append_BeyondTheBounds_DeletesSealedOnesWithTheirAnchors()
    {
        RoutingOptions tight = Bounds;
        tight.DecisionBytesMax = 8192;
        using SegmentStore store = new(tight, TimeProvider.System);
        for (int round = 0; round < 12; round++)
        {
            for (int i = 0; i < 20; i++)
                AppendOne(store);
            await Sealer(store).SealAsync(CancellationToken.None);
        }
        int before = store.Closed().Count;
        Assert.InRange(SegmentFile.All(_directory).Sum(s => s.Bytes), 1, 8192);
        Assert.Equal(before, Directory.GetFiles(_directory, "*.anchor").Length);
    }

    private sealed class Meters : IMeterFactory
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
