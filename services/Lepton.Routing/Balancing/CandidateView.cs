namespace Lepton.Routing.Balancing;

/// <summary>
/// All that a strategy sees for one model and one set of allowed regions: computed once a snapshot, then shared by
/// every request that has the same two.
/// </summary>
internal sealed class CandidateView
{
    /// <param name="own">Nodes of the own region, by id.</param>
    /// <param name="remote">Other regions, by name.</param>
    /// <param name="turn">The round robin's counter, which outlives snapshots.</param>
    public CandidateView(Candidate[] own, Candidate[] remote, Turn turn)
    {
        Own = new RankedLevel(own);
        Remote = new RankedLevel(remote);
        All = new CandidateLevel([.. own, .. remote], c => c.FormulaWeight);
        Turn = turn;
        RemoteScoreMin = double.PositiveInfinity;
        foreach (Candidate c in remote)
            RemoteScoreMin = Math.Min(RemoteScoreMin, c.RoundTripSeconds);
    }

    public RankedLevel Own { get; }

    public RankedLevel Remote { get; }

    /// <summary>Own, then remote: an index returned by a strategy counts in this one.</summary>
    public CandidateLevel All { get; }

    public Turn Turn { get; }

    /// <summary>No other region can answer sooner: an own node that does is taken without looking further.</summary>
    public double RemoteScoreMin { get; }

    /// <summary>What was looked at and is no candidate, and why.</summary>
    public IReadOnlyList<Excluded> Excluded { get; init; } = [];

    /// <summary>
    /// Suspect and ejected places and open circuits: tried when every other was tried or there is none.
    /// </summary>
    public CandidateView? LastResort { get; init; }

    /// <summary>Half-open circuits, each by itself: the next request is its trial.</summary>
    public IReadOnlyList<CandidateView> Trials { get; init; } = [];

    /// <summary>This is one of those.</summary>
    public bool IsTrial { get; init; }

    /// <summary>So few allowed places were healthy that ejections and open circuits were ignored.</summary>
    public bool Panic { get; init; }

    /// <summary>The snapshot's number.</summary>
    public ulong TopologyVersion { get; init; }

    /// <summary>An allowed node of the own region is loading the model: it will have it soon.</summary>
    public bool IsComing { get; init; }

    /// <summary>A request may run twice: no place that has the model declares otherwise.</summary>
    public bool Idempotent { get; init; } = true;

    /// <summary>Some allowed place has or had the model, or an allowed region has not been heard of.</summary>
    public bool ModelMayExist { get; init; } = true;

    public bool IsEmpty => All.Candidates.Length == 0 && LastResort is null;
}
