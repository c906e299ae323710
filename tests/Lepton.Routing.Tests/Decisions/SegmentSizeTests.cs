using System.Buffers;
using System.Text;
using Lepton.Compliance.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Tests.World;
using Xunit.Abstractions;
using static Lepton.Routing.Tests.Balancing.StrategyTests;
using Candidate = Lepton.Routing.Balancing.Candidate;

namespace Lepton.Routing.Tests.Decisions;

/// <summary>
/// R9: what a decision of ordinary inference takes on disk. Six nodes and two other regions, ten tenants, five models,
/// 2,000 requests a second by the default strategy; loads and learned times change with each.
/// </summary>
public sealed class SegmentSizeTests(ITestOutputHelper output) : IDisposable
{
    private const int Decisions = 10_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("lepton-size-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Pack_RealisticTraffic_TakesFewBytesADecision()
    {
        Random random = new(7);
        ResidencyPolicy policy = ResidencyPolicy.Parse(
            Encoding.UTF8.GetBytes(TestRouter.Policy), ["eu-west", "us-east", "ap-southeast"]);
        EffectiveClass dataClass = ((ResidencyVerdict.Known)policy.Decide("demo", "ocr", null)).Class;
        CandidateView[] views = [.. Enumerable.Range(0, 5).Select(_ => View(
        [
            .. Enumerable.Range(0, 6).Select(
                i => Node($"inference-eu-west-{i}", 8 + i, 20 + i, rttMs: 0.31 + (i * 0.07))),
            Node("", 9, rttMs: 81.3, slots: 48, region: "us-east"),
            Node("", 9, rttMs: 148.9, slots: 48, region: "ap-southeast"),
        ]))];
        ArrayBufferWriter<byte> frames = new();
        Queue<Candidate> underWay = new();
        DateTimeOffset at = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
        for (int i = 0; i < Decisions; i++)
        {
            at += TimeSpan.FromTicks(random.Next(1, 10_000));
            CandidateView view = views[random.Next(views.Length)];
            PickContext context = new(new Chance((ulong)i), at.ToUnixTimeSeconds());
            Candidate picked = Balancer.Pick(view, StrategyCatalogue.Default, ref context, book: true, out _)!;
            underWay.Enqueue(picked);
            while (underWay.Count > 20)
            {
                Lane lane = underWay.Dequeue().Lane;
                lane.Learn(0.005 + (random.NextDouble() * 0.01), i);
                lane.Release(Routing.Health.Outcome.Good);
            }
            DecisionDraft draft = new()
            {
                Id = DecisionId.New("eu-west", at), Region = "eu-west", CreateTime = at, Method = "ModelInfer",
                Policy = policy, Tenant = $"tenant-{random.Next(10)}", Principal = $"tenant/tenant-{random.Next(10)}",
                Model = $"model-{random.Next(5)}", Class = dataClass, Strategy = "guarded", Priority = "realtime",
                StatusCode = 0, Duration = TimeSpan.FromTicks(random.Next(50_000, 200_000)), BytesRead = 12_288,
                ServedBy = picked.Node, ServedRegion = picked.Region, Provider = "CUDAExecutionProvider",
            };
            draft.Attempts.Add(new AttemptDraft(view, context.Trace, picked, at, booked: true)
            {
                Guarded = true, StatusCode = 0, Duration = draft.Duration,
            });
            SegmentFrame.Write(frames, draft.ToDecision());
        }
        SegmentFile segment = new(_directory, "0000000000000001");
        segment.Pack(frames.WrittenSpan);
        double before = frames.WrittenCount / (double)Decisions, after = segment.Bytes / (double)Decisions;
        output.WriteLine($"{before:0} bytes a decision, {after:0} sealed ({before / after:0.0} times less)");
        Assert.Equal(frames.WrittenSpan.ToArray(), segment.Read());
        Assert.InRange(after, 20, 160);
        Assert.InRange(before / after, 6, 100);
    }
}
