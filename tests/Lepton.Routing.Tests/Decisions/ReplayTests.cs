using System.Text;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Resilience;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Candidate = Lepton.Routing.Balancing.Candidate;
using static Lepton.Routing.Tests.Balancing.StrategyTests;


namespace Lepton.Routing.Tests.Decisions;

/// <summary>R9, C3: a recorded decision comes out the same when it is made again, and a changed one does not.</summary>
public sealed class ReplayTests
{
    public static TheoryData<string> Names => [.. StrategyCatalogue.ByName.Keys.Order(StringComparer.Ordinal)];

    private static CandidateView Mixed(int nodes, int seed, int limit = 0)
    {
        Random random = new(seed);
        return View(
        [
            .. Enumerable.Range(0, nodes).Select(i => Node($"n{i}", 1 + (random.NextDouble() * 20), random.Next(100),
                outstanding: limit == 0 ? random.Next(14) : random.Next(limit + 1), limit: limit)),
            Node("x", 20, rttMs: 40, slots: 40, region: "x"), Node("y", 5, rttMs: 8, slots: 9, region: "y"),
        ]);
    }

    private static Attempt Record(
        IBalancingStrategy strategy, CandidateView view, ulong seed, PassedOver? passed = null)
    {
        PassedOver over = passed ?? PassedOver.Nobody;
        PickContext context = new(new Chance(seed), 1_700_000_000 + (long)seed) { Attempted = over.Lanes };
        Candidate? picked = Balancer.Pick(view, strategy, ref context, book: true, out CandidateView from);
        AttemptDraft draft = new(from, context.Trace, picked, DateTimeOffset.UnixEpoch, booked: true,
            context.SkipsFull ? 1 : 0)
        {
            PassedOver = over.Copy(), Guarded = strategy is GuardedStrategy,
        };
        // Other requests go on meanwhile: what is live now is not what was seen.
        view.All.Candidates[(int)(seed % 5)].Lane.TryReserve(int.MaxValue);
        return Attempt.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(draft.ToAttempt(1)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_EveryStrategy_IsTheSameAgain(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        for (int seed = 0; seed < 400; seed++)
        {
            CandidateView view = Mixed(3 + (seed % 9), seed);
            Attempt attempt = Record(strategy, view, (ulong)seed);
            ReplayedPick again = DecisionReplay.Pick(name, attempt);
            Assert.True(again.Outcome == ReplayOutcome.Same, $"seed {seed}: {again}");
            Assert.NotEmpty(again.Picked);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_AfterFailures_IsTheSameAgain(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        for (int seed = 0; seed < 100; seed++)
        {
            CandidateView view = Mixed(6, seed);
            PassedOver passed = new();
            for (int attempt = 0; attempt < 9; attempt++)
            {
                Attempt recorded = Record(strategy, view, (ulong)(seed + attempt), passed);
                ReplayedPick again = DecisionReplay.Pick(name, recorded);
                Assert.True(again.Outcome == ReplayOutcome.Same, $"seed {seed}, attempt {attempt}: {again}");
                if (view.All.Candidates.FirstOrDefault(c => c.Node == recorded.Node
                    && (recorded.Node.Length > 0 || c.Region == recorded.Region)) is { } tried)
                    passed.Add(tried.Lane, Exclusion.Attempted);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_PlacesAtTheirLimits_IsNeverAnotherOne(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        int same = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            ReplayedPick again = DecisionReplay.Pick(name, Record(strategy, Mixed(6, seed, limit: 3), (ulong)seed));
            Assert.True(again.Outcome != ReplayOutcome.Different, $"seed {seed}: {again}");
            same += again.Outcome == ReplayOutcome.Same ? 1 : 0;
        }
        Assert.InRange(same, 100, 200);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pick_ChangedRecord_IsAnother(string name)
    {
        IBalancingStrategy strategy = StrategyCatalogue.ByName[name];
        for (int seed = 0; seed < 100; seed++)
        {
            Attempt attempt = Record(strategy, Mixed(8, seed), (ulong)seed);
            string other = attempt.Candidates.First(c => c.Node != attempt.Node && c.Node.Length > 0).Node;
            (attempt.Node, attempt.Region) = (other, "");
            Assert.Equal(ReplayOutcome.Different, DecisionReplay.Pick(name, attempt).Outcome);
        }
    }

    [Fact]
    public void Pick_MoreThanARecordHolds_SaysSo()
    {
        Attempt attempt = Record(StrategyCatalogue.ByName["random"], Mixed(80, 1), 1);
        ReplayedPick again = DecisionReplay.Pick("random", attempt);
        Assert.Equal(ReplayOutcome.NotPossible, again.Outcome);
        Assert.NotEmpty(again.Why);
        Assert.Equal(ReplayOutcome.NotPossible, DecisionReplay.Pick("gone", attempt).Outcome);
    }

    [Fact]
    public void Pick_RecordThatContradictsItself_IsDifferent()
    {
        Attempt attempt = Record(StrategyCatalogue.ByName["p2c"], Mixed(8, 1), 1);
        attempt.Drawn[0] = 99;
        Assert.Equal(ReplayOutcome.Different, DecisionReplay.Pick("p2c", attempt).Outcome);
    }

    [Fact]
    public void Residency_SamePolicy_IsTheSameAnotherIsNotHere()
    {
        ResidencyPolicy policy = ResidencyPolicy.Parse(
            Encoding.UTF8.GetBytes(TestRouter.Policy), ["eu-west", "us-east"]);
        Decision decision = new()
        {
            Tenant = "demo", Model = "ocr", AskedClass = "eu-personal", DataClass = "eu-personal", Regulated = true,
            AllowedRegions = { "eu-west" }, PolicyDigest = policy.Digest, PolicyVersion = policy.VersionText,
        };
        Assert.Equal(ReplayOutcome.Same, DecisionReplay.Residency(decision, policy).Outcome);
        Decision widened = decision.Clone();
        widened.AllowedRegions.Add("us-east");
        ReplayedResidency other = DecisionReplay.Residency(widened, policy);
        Assert.Equal((ReplayOutcome.Different, "eu-west"), (other.Outcome, Assert.Single(other.AllowedRegions)));
        decision.PolicyDigest = "sha256:00";
        ReplayedResidency absent = DecisionReplay.Residency(decision, policy);
        Assert.Equal(ReplayOutcome.NotPossible, absent.Outcome);
        Assert.Contains("is not here", absent.Why, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task ReplayDecision_ServedRequest_IsTheSame(string name)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        await world.AddNodeAsync("eu-west", "node-b", "ocr");
        Metadata headers = TestWorld.Class("eu-personal");
        headers.Add("x-lepton-strategy", name);
        using var call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), headers);
        await call;
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        ReplayDecisionResponse again = await world["eu-west"].Routing.ReplayDecisionAsync(new() { DecisionId = id });
        Assert.True(again.Same, again.ToString());
        Assert.Equal((ReplayOutcome.Same, "eu-personal"), (again.Residency.Outcome, again.Residency.DataClass));
        Assert.Equal(ReplayOutcome.Same, Assert.Single(again.Picks).Outcome);
        Assert.Equal(AnchorState.Open, again.Anchor.State); // regulated: on the disk before it went
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Routing.ReplayDecisionAsync(new() { DecisionId = id[..^1] + "x" }));
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }
}
