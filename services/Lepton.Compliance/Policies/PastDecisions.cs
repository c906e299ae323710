using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Policies;

/// <summary>A decision as a router recorded it.</summary>
internal sealed record PastDecision(
    string Id, string Tenant, string Model, string DataClass, DateTimeOffset Time, long PolicyVersion,
    string PolicyDigest, IReadOnlyList<string> AllowedRegions);

/// <summary>One that comes out otherwise.</summary>
internal sealed record ChangedDecision(
    string Id, string DataClass, IReadOnlyList<string> Was, IReadOnlyList<string> Is, string Why);

/// <summary>Past decisions once more: by another version, or by the one that made them (R9, C3).</summary>
internal sealed class PastDecisions(PolicyShelf shelf, PolicyBook book, TimeProvider time)
{
    /// <summary>Under another version, as of today.</summary>
    public async Task<IReadOnlyList<ChangedDecision>> SimulateAsync(
        long version, IReadOnlyList<PastDecision> decisions, CancellationToken cancellationToken)
    {
        await book.FindAsync(version, cancellationToken); // unknown: said at once
        var policy = await shelf.GetAsync(
            version, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), cancellationToken);
        return [.. decisions.Select(d => Compare(policy, d)).OfType<ChangedDecision>()];
    }

    /// <summary>By the version and the law of the day that made each.</summary>
    public async Task<IReadOnlyList<ChangedDecision>> ReplayAsync(
        IReadOnlyList<PastDecision> decisions, CancellationToken cancellationToken)
    {
        List<ChangedDecision> different = [];
        foreach (var decision in decisions)
        {
            var policy = await shelf.GetAsync(
                decision.PolicyVersion, DateOnly.FromDateTime(decision.Time.UtcDateTime), cancellationToken);
            if (decision.PolicyDigest.Length > 0 && decision.PolicyDigest != policy.Digest)
                different.Add(new ChangedDecision(decision.Id, decision.DataClass, decision.AllowedRegions, [],
                    $"version {decision.PolicyVersion} had digest {decision.PolicyDigest} there and has "
                    + $"{policy.Digest} here"));
            else if (Compare(policy, decision) is { } other)
                different.Add(other);
        }
        return different;
    }

    private static ChangedDecision? Compare(ResidencyPolicy policy, PastDecision decision)
    {
        var verdict = policy.Decide(
            decision.Tenant, decision.Model.Length == 0 ? null : decision.Model, decision.DataClass);
        IReadOnlyList<string> now = verdict is ResidencyVerdict.Known known ? known.Class.Regions : [];
        var (gained, lost) = (now.Except(decision.AllowedRegions).ToArray(),
            decision.AllowedRegions.Except(now).ToArray());
        return gained.Length + lost.Length == 0
            ? null
            : new ChangedDecision(decision.Id, decision.DataClass, decision.AllowedRegions, now, verdict switch
            {
                ResidencyVerdict.UnknownTenant => "the policy does not name the tenant",
                ResidencyVerdict.UnknownClass => "the policy does not name the data class",
                ResidencyVerdict.UnknownModel => "the policy names neither the model nor a default",
                _ => Reason(policy, decision.DataClass, [.. lost, .. gained]),
            });
    }

    private static string Reason(ResidencyPolicy policy, string dataClass, string[] regions) =>
        policy.Explain(dataClass, Purpose.Inference, regions[0]) is { } answer
            ? $"{regions[0]}: {answer.RuleId} ({answer.Source})" : "";
}
