namespace Lepton.Routing.Balancing;

/// <summary>
/// The default: among the candidates that have room in their queue, the one that will answer soonest by
/// <see cref="Candidate.Score"/>; of equals the first in rank. When none has room, the soonest of all.
/// </summary>
/// <remarks>
/// <para>Joining the shortest expected delay is what a single dispatcher does best (Winston 1977; Weber 1978 for
/// servers of their own speed). It herds when several dispatchers work on the same old news (Mitzenmacher 2000, How
/// Useful Is Old Information?). Here nobody works on old news: a router scales its own counts, which are live, by its
/// share of the answers (<see cref="AnswerShare"/>), as local views of queues do (Vargaftik, Keslassy, Orda 2020).
/// </para>
/// <para>Two levels, own nodes and other regions: a far region is only looked at when no near node with room can be the
/// best.</para>
/// </remarks>
internal sealed class GuardedStrategy : IBalancingStrategy
{
    // A region of more nodes whose quickest 64 are all so busy that the 65th might do: chance finds one nearly as good,
    // two draws because the second helps most (Mitzenmacher 2001).
    private const int LooksMax = 64;
    private const int DrawsBeyond = 2;

    public string Name => "guarded";

    public RepeatedPick Repeat(RecordedRound round)
    {
        if (!round.IsWhole)
            return RepeatedPick.NotPossible(Balancing.Repeat.TooMany);
        Best best = Best.None;
        foreach (RecordedLook look in round.Looks)
        {
            Best mine = new(look.Index, look.Outstanding, look.Outstanding < round.Places[look.Index].RoomBelow,
                look.Cost);
            if (mine.IsBetterThan(best))
                best = mine;
        }
        return RepeatedPick.Of(best.Index);
    }

    public Selection Select(CandidateView view, ref PickContext context)
    {
        Best own = Look(view.Own, 0, ref context);
        if (own.HasRoom && own.Score <= view.RemoteScoreMin)
            return own.ToSelection();

        Best remote = Look(view.Remote, view.Own.Candidates.Length, ref context);
        return remote.IsBetterThan(own) ? remote.ToSelection() : own.ToSelection();
    }

    private static Best Look(RankedLevel level, int offset, ref PickContext context)
    {
        Best best = Best.None;
        Rank[] ranks = level.Ranks;
        int looked = 0;
        // Those attempted are passed over, so more than the most may be looked at to find one at all.
        for (; looked < ranks.Length && (looked < LooksMax || best.Index < 0); looked++)
        {
            if (best.HasRoom && ranks[looked].IdleSeconds >= best.Score)
                return best;
            Compare(in ranks[looked], offset, ref best, ref context);
        }
        for (int i = 0; i < DrawsBeyond && looked < ranks.Length; i++)
            Compare(in ranks[looked + (int)(context.Draw() * (ranks.Length - looked))], offset, ref best, ref context);
        return best;
    }

    private static void Compare(in Rank rank, int offset, ref Best best, ref PickContext context)
    {
        if (context.SkipsAny && context.Skips(rank.Candidate.Lane))
            return;
        int outstanding = rank.Candidate.Lane.Outstanding;
        Best mine = new(rank.Index + offset, outstanding, outstanding < rank.RoomBelow,
            rank.Candidate.ScoreAt(outstanding));
        context.Trace.Compared(mine.Index, mine.Score, outstanding);
        if (mine.IsBetterThan(best))
            best = mine;
    }

    private readonly record struct Best(int Index, int Outstanding, bool HasRoom, double Score)
    {
        public static Best None => new(-1, 0, false, double.PositiveInfinity);

        // Where there is no room requests get lost: there a shorter way no longer counts.
        public bool IsBetterThan(in Best other) =>
            Index >= 0 && (HasRoom == other.HasRoom ? Score < other.Score : HasRoom);

        // Booked only as it was seen: requests that look at once would else all take the same one.
        public Selection ToSelection() => Index < 0 ? Selection.None : new Selection(Index, Outstanding + 1);
    }
}
