using System.Globalization;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;

namespace Lepton.Routing.Registry;

/// <summary>
/// Makes a view of the allowed places that have a model: candidates, trials of half-open circuits, and last resorts.
/// </summary>
internal sealed class ViewTriage
{
    private readonly IReadOnlyList<FoundPlace> _found;
    private readonly Verdict[] _verdicts;
    private readonly bool _panic;
    private readonly ServicePrior _prior;
    private readonly bool _slowStart;
    private readonly double _crowd;
    private readonly ViewFacts _facts;

    public ViewTriage(
        IReadOnlyList<FoundPlace> found, ServicePrior prior, RoutingOptions options, in ViewFacts facts)
    {
        (_found, _prior, _verdicts, _facts) = (found, prior, new Verdict[found.Count], facts);
        _panic = Triage.Sort([.. found.Select(f => f.Standing)], _verdicts, options.Ejection);
        _slowStart = OthersCarryTheRest();
        ServedModel[] models = [.. found.OfType<FoundNode>().Select(n => n.Model)];
        _crowd = AnswerShare.Crowd(models.Sum(m => m.AnswersOfAll), models.Sum(m => m.AnswersToUs));
    }

    /// <param name="excluded">Who is no candidate for other reasons.</param>
    public CandidateView Build(IReadOnlyList<Excluded> excluded)
    {
        Excluded[] passed = [.. Indexes(v => v != Verdict.Use).Select(ToExcluded)];
        CandidateView? lastResort = passed.Length == 0 ? null : Make(Indexes(v => v != Verdict.Use), excluded);
        if (passed.Length == _found.Count && lastResort is not null)
            return lastResort; // suspects only: had there been others, that were a panic
        CandidateView[] trials =
        [
            .. Indexes(v => v == Verdict.CircuitOpen)
                .Where(i => _found[i].Lane.CircuitState is CircuitState.HalfOpen)
                .Select(i => Make([i], excluded, isTrial: true)),
        ];
        return Make(Indexes(v => v == Verdict.Use), [.. passed, .. excluded], lastResort, trials, panic: _panic);
    }

    private CandidateView Make(IEnumerable<int> indexes, IReadOnlyList<Excluded> excluded,
        CandidateView? lastResort = null, IReadOnlyList<CandidateView>? trials = null, bool isTrial = false,
        bool panic = false)
    {
        FoundPlace[] places = [.. indexes.Select(i => _found[i])];
        return new CandidateView([.. places.Where(p => !p.IsRegion).Select(ToCandidate)],
            [.. places.Where(p => p.IsRegion).Select(ToCandidate)], _facts.Turn)
        {
            Excluded = excluded,
            LastResort = lastResort,
            Trials = trials ?? [],
            IsTrial = isTrial,
            Panic = panic,
            TopologyVersion = _facts.Version,
            ModelMayExist = _facts.ModelMayExist,
            Idempotent = _facts.Idempotent,
            IsComing = _facts.IsComing,
        };
    }

    private Candidate ToCandidate(FoundPlace place) =>
        place.ToCandidate(_slowStart ? place.Health.StartShare : 1, _prior, _crowd);

    private IEnumerable<int> Indexes(Func<Verdict, bool> wanted) =>
        Enumerable.Range(0, _found.Count).Where(i => wanted(_verdicts[i]));

    // A slow start is a courtesy of those that run already: when they are full, or none is there, there is none.
    private bool OthersCarryTheRest()
    {
        long busy = 0, settled = 0;
        foreach (int i in Indexes(v => v == Verdict.Use))
        {
            busy += _found[i].Busy;
            settled += _found[i].Health.StartShare >= 1 ? _found[i].Slots : 0;
        }
        return settled > busy;
    }

    private Excluded ToExcluded(int i)
    {
        FoundPlace place = _found[i];
        return _verdicts[i] switch
        {
            Verdict.Ejected => place.ToExcluded(Exclusion.Ejected, place.Health.Ejection is { } e
                ? $"{e.Why}; for {Seconds(place.Health.Left)} more" : ""),
            Verdict.CircuitOpen => place.ToExcluded(Exclusion.CircuitOpen, place.Lane.Circuit is { } c
                ? $"{c.Why}; {(c.Left > TimeSpan.Zero ? $"next trial in {Seconds(c.Left)}" : "on trial")}" : ""),
            _ => place.ToExcluded(Exclusion.Suspect, ""),
        };
    }

    private static string Seconds(TimeSpan span) =>
        string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s");
}

/// <summary>What views of one request's places have in common.</summary>
internal readonly record struct ViewFacts(Turn Turn, ulong Version, bool ModelMayExist, bool Idempotent, bool IsComing);
