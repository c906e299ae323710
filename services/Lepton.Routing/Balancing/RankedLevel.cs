namespace Lepton.Routing.Balancing;

/// <summary>
/// Candidates that are compared with each other, the quickest first as of the snapshot: who walks down the ranks may
/// stop as soon as the next one, idle, would be no better than what it has.
/// </summary>
internal sealed class RankedLevel
{
    public RankedLevel(Candidate[] candidates)
    {
        Candidates = candidates;
        Ranks = [.. candidates.Select((c, i) => new Rank(c, i, c.LatencySeconds, Guard.RoomBelow(c)))
            .OrderBy(r => r.IdleSeconds)];
    }

    /// <summary>In the view's order.</summary>
    public Candidate[] Candidates { get; }

    public Rank[] Ranks { get; }
}

/// <summary>A candidate's place in the order.</summary>
/// <param name="Candidate">Which.</param>
/// <param name="Index">Into <see cref="RankedLevel.Candidates"/>.</param>
/// <param name="IdleSeconds">Its score when nobody is there.</param>
/// <param name="RoomBelow">Requests of this router under way there below which it has room for one more.</param>
internal readonly record struct Rank(Candidate Candidate, int Index, double IdleSeconds, int RoomBelow);
