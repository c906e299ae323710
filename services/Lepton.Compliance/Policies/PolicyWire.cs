using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Policies;

/// <summary>Wire types out.</summary>
internal static class PolicyWire
{
    private const int ProblemsMax = 100, ChangesMax = 1000;

    public static V1.Policy Policy(PolicyRecord record) => new()
    {
        Version = record.Version, Digest = record.Digest, Author = record.Author, Approver = record.Approver,
        Note = record.Note, SubmitTime = record.SubmitTime?.ToTimestamp(),
        ApproveTime = record.ApproveTime?.ToTimestamp(), WasEverywhere = record.EverywhereTime is not null,
        State = record.IsSeed ? V1.PolicyState.Seed
            : record.IsApproved ? V1.PolicyState.Approved : V1.PolicyState.Draft,
    };

    public static V1.PolicyReport Report(PolicyReport report)
    {
        V1.PolicyReport made = new()
        {
            Tests = report.Tests, Invariants = report.Invariants, States = report.States,
        };
        made.Problems.AddRange(report.Problems.Take(ProblemsMax).Select(p => new V1.PolicyProblem
        {
            Stage = p.Stage, Name = p.Name, Message = p.Message,
        }));
        return made;
    }

    public static V1.PolicyDifference Difference(PolicyDiff diff)
    {
        V1.PolicyDifference made = new();
        made.Law.AddRange(diff.Law.Take(ChangesMax).Select(c => new V1.LawChange
        {
            WasAllowed = c.Was.IsAllowed, WasRule = c.Was.RuleId, IsAllowed = c.Is.IsAllowed, IsRule = c.Is.RuleId,
            Subjects = { c.Subjects }, Categories = { c.Categories }, Purposes = { c.Purposes },
            Destinations = { c.Destinations }, Count = c.Count,
        }));
        made.Classes.AddRange(diff.Classes.Take(ChangesMax).Select(c => new V1.ClassChange
        {
            DataClass = c.DataClass, Purpose = c.Purpose, Gained = { c.Gained }, Lost = { c.Lost },
        }));
        made.Floors.AddRange(diff.Floors.Take(ChangesMax).Select(f => new V1.FloorChange
        {
            Kind = f.Kind, Name = f.Name, Was = f.Was, Is = f.Is,
        }));
        return made;
    }

    public static V1.DecideResponse Answer(LawAnswer answer, string digest)
    {
        V1.DecideResponse made = new()
        {
            Allowed = answer.IsAllowed, RuleId = answer.RuleId, Source = answer.Source,
            PolicyVersion = answer.PolicyVersion, PolicyDigest = digest,
        };
        made.Unmet.AddRange(Unmet(answer.Unmet));
        made.Relied.AddRange(answer.Relied);
        made.Findings.AddRange(answer.Findings.Select(f => new V1.Finding
        {
            Regime = f.Regime, RuleId = f.RuleId, Source = f.Source, Allowed = f.Effect == LawEffect.Allow,
            Unmet = { Unmet(f.Unmet) }, Relied = { f.Relied },
        }));
        return made;
    }

    public static IEnumerable<V1.ChangedDecision> Changed(IReadOnlyList<ChangedDecision> changed) =>
        changed.Take(ChangesMax).Select(c => new V1.ChangedDecision
        {
            Id = c.Id, DataClass = c.DataClass, Was = { c.Was }, Is = { c.Is }, Why = c.Why,
        });

    private static IEnumerable<V1.UnmetCondition> Unmet(IReadOnlyList<IReadOnlyList<string>> unmet) =>
        unmet.Select(u => new V1.UnmetCondition { AnyOf = { u } });
}
