using Lepton.Compliance.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.V1;

namespace Lepton.Routing.Decisions;

/// <summary>Makes recorded decisions again (R9, C3).</summary>
internal static class DecisionReplay
{
    private const int CandidatesMax = 64; // of a record

    /// <summary>One attempt's pick.</summary>
    public static ReplayedPick Pick(string strategy, Attempt attempt)
    {
        ReplayedPick replayed = new()
        {
            Number = attempt.Number, Recorded = NameOf(attempt.Node, attempt.Region, attempt.Router),
        };
        V1.Candidate[] places = [.. attempt.Candidates.Where(IsPlace)];
        if (attempt.Trial)
            return With(replayed, places is [var only] ? NameOf(only) : "", "a trial's only candidate");
        if (!StrategyCatalogue.ByName.TryGetValue(strategy, out IBalancingStrategy? rule))
            return NotPossible(replayed, $"this router knows no strategy {strategy}");
        if (Damage(attempt, places.Length) is { } damage)
            return With(replayed, "", damage);
        if (places.All(IsSkipped))
            return With(replayed, "", "every candidate was passed over");
        RepeatedPick pick = rule.Repeat(RoundOf(attempt, places));
        if (pick.Missing.Length > 0)
            return NotPossible(replayed, pick.Missing);
        string picked = pick.Index < 0 ? "" : NameOf(places[pick.Index]);
        // Who is at its limit changes from one look to the next; the record has it as it was after the pick.
        return attempt.Limited && picked != replayed.Recorded && places.Any(p => IsSkipped(p))
            ? NotPossible(replayed, "places were at their limits, which changed during the pick")
            : With(replayed, picked, "the strategy picks another place from what is recorded");
    }

    /// <summary>The class and the regions, from the policy that is in force here if it is the recorded one.</summary>
    public static ReplayedResidency Residency(Decision decision, ResidencyPolicy policy)
    {
        ReplayedResidency replayed = new() { Outcome = ReplayOutcome.NotPossible };
        if (policy.Digest != decision.PolicyDigest)
        {
            replayed.Why = $"policy version {decision.PolicyVersion} ({decision.PolicyDigest}) is not here; version "
                + $"{policy.VersionText} is in force";
            return replayed;
        }
        replayed.PolicyDigest = policy.Digest;
        string? model = decision.Model.Length > 0 ? decision.Model : null;
        if (policy.Decide(decision.Tenant, model, decision.AskedClass) is not ResidencyVerdict.Known known)
        {
            replayed.Outcome = decision.DataClass.Length == 0 ? ReplayOutcome.Same : ReplayOutcome.Different;
            replayed.Why = decision.DataClass.Length == 0 ? "" : "the policy names no class for it";
            return replayed;
        }
        replayed.DataClass = known.Class.Name;
        replayed.AllowedRegions.AddRange(known.Class.Regions);
        // A second router may have been given less than the policy allows, never more.
        bool narrowed = decision.OriginRegion.Length > 0 && decision.AllowedRegions.All(known.Class.Allows);
        bool same = decision.DataClass == known.Class.Name && decision.Regulated == known.Class.Regulated
            && (narrowed || decision.AllowedRegions.SequenceEqual(known.Class.Regions));
        // Refused before its model was read or its class was known: nothing was decided that could differ.
        replayed.Outcome = same || decision.DataClass.Length == 0 ? ReplayOutcome.Same : ReplayOutcome.Different;
        if (replayed.Outcome == ReplayOutcome.Different)
            replayed.Why = "the recorded policy gives another class or other regions";
        return replayed;
    }

    private static RecordedRound RoundOf(Attempt attempt, V1.Candidate[] places)
    {
        int draws = (int)attempt.DrawsLost, looks = (int)attempt.DrawnLost;
        bool compares = attempt.DrawnCosts.Count == attempt.Drawn.Count;
        return new RecordedRound
        {
            Places = [.. places.Select(p => new RecordedPlace(
                p.Node.Length == 0, p.Weight, (int)p.RoomBelow, IsSkipped(p)))],
            Draws = [.. attempt.Draws.Skip(draws)],
            Looks = [.. attempt.Drawn.Skip(looks).Select((index, i) => new RecordedLook((int)index,
                compares ? attempt.DrawnCosts[looks + i] : double.NaN,
                compares ? (int)attempt.DrawnOutstanding[looks + i] : 0))],
            IsWhole = attempt.Drawn.Count < PickTrace.Capacity && attempt.Draws.Count < PickTrace.Capacity,
            HasAllPlaces = places.Length < CandidatesMax || attempt.CandidatesTotal == attempt.Candidates.Count,
        };
    }

    // What no router writes: somebody did.
    private static string? Damage(Attempt attempt, int places) =>
        attempt.DrawnCosts.Count != attempt.DrawnOutstanding.Count
            || (attempt.DrawnCosts.Count != 0 && attempt.DrawnCosts.Count != attempt.Drawn.Count)
            || attempt.DrawsLost > attempt.Draws.Count || attempt.DrawnLost > attempt.Drawn.Count
            || attempt.Drawn.Any(index => index >= places)
            ? "the record contradicts itself"
            : null;

    // Only those that could be picked have slots.
    private static bool IsPlace(V1.Candidate candidate) => candidate.Slots > 0;

    private static bool IsSkipped(V1.Candidate candidate) =>
        candidate.Exclusion is not (ExclusionReason.Unspecified or ExclusionReason.QueueLong);

    private static ReplayedPick With(ReplayedPick replayed, string picked, string otherwise)
    {
        replayed.Picked = picked;
        replayed.Outcome = picked == replayed.Recorded ? ReplayOutcome.Same : ReplayOutcome.Different;
        replayed.Why = replayed.Outcome == ReplayOutcome.Same ? "" : otherwise;
        return replayed;
    }

    private static ReplayedPick NotPossible(ReplayedPick replayed, string why)
    {
        (replayed.Outcome, replayed.Why) = (ReplayOutcome.NotPossible, why);
        return replayed;
    }

    private static string NameOf(V1.Candidate candidate) => candidate.Node.Length > 0
        ? candidate.Node
        : NameOf("", candidate.Region, candidate.Router);

    private static string NameOf(string node, string region, string router) =>
        node.Length > 0 ? node : router.Length > 0 ? $"{region}/{router}" : region;
}
