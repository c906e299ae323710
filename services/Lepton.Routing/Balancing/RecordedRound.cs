namespace Lepton.Routing.Balancing;

/// <summary>The last round of a pick as it was recorded: what a strategy needs to pick again.</summary>
internal sealed class RecordedRound
{
    /// <summary>Candidates in the view's order: own nodes, then other regions.</summary>
    public required IReadOnlyList<RecordedPlace> Places { get; init; }

    /// <summary>The strategy's draws.</summary>
    public required IReadOnlyList<double> Draws { get; init; }

    /// <summary>What it drew or compared, in order.</summary>
    public required IReadOnlyList<RecordedLook> Looks { get; init; }

    /// <summary>No look and no draw was left out for want of room.</summary>
    public required bool IsWhole { get; init; }

    /// <summary>Every candidate of the view is recorded.</summary>
    public required bool HasAllPlaces { get; init; }

    public bool SkipsAny => Places.Any(p => p.Skipped);
}

/// <summary>A candidate.</summary>
/// <param name="IsRegion">Another region, not a node.</param>
/// <param name="Weight">As of the snapshot.</param>
/// <param name="RoomBelow">Requests below which its queue has room.</param>
/// <param name="Skipped">It was passed over: tried before, or at its limit.</param>
internal readonly record struct RecordedPlace(bool IsRegion, double Weight, int RoomBelow, bool Skipped);

/// <summary>A candidate that was drawn or compared.</summary>
/// <param name="Index">Into the places.</param>
/// <param name="Cost">Lower is better; NaN: nothing was compared.</param>
/// <param name="Outstanding">Requests under way, as seen.</param>
internal readonly record struct RecordedLook(int Index, double Cost, int Outstanding);

/// <summary>A pick that was made again.</summary>
/// <param name="Index">Into the places; -1: none.</param>
/// <param name="Missing">What the record lacks for it; empty: nothing.</param>
internal readonly record struct RepeatedPick(int Index, string Missing)
{
    public static RepeatedPick Of(int index) => new(index, "");

    public static RepeatedPick NotPossible(string missing) => new(-1, missing);
}

/// <summary>What strategies have in common when they pick again.</summary>
internal static class Repeat
{
    public const string TooMany = "more candidates were looked at than a record holds";
    private const string TooManyPlaces = "the view had more candidates than a record holds";
    private const string NoDraw = "a draw is missing";

    /// <summary>A candidate at a place in the order, or the next one that was not passed over.</summary>
    public static RepeatedPick InOrder(RecordedRound round)
    {
        if (Lacks(round, draws: 1) is { } lacks)
            return lacks;
        int n = round.Places.Count;
        for (int step = 0; step < n; step++)
        {
            int index = (Formula.TimeModulo((long)round.Draws[0], n) + step) % n;
            if (!round.Places[index].Skipped)
                return RepeatedPick.Of(index);
        }
        return RepeatedPick.Of(-1);
    }

    /// <summary>By weight.</summary>
    public static RepeatedPick ByWeight(RecordedRound round)
    {
        if (Lacks(round, draws: 1) is { } lacks)
            return lacks;
        if (!round.SkipsAny)
            return RepeatedPick.Of(AliasTable.Build([.. round.Places.Select(p => p.Weight)]).Find(round.Draws[0]));
        double total = 0;
        int last = -1;
        for (int i = 0; i < round.Places.Count; i++)
            if (!round.Places[i].Skipped)
                (total, last) = (total + round.Places[i].Weight, i);
        double at = round.Draws[0] * total;
        for (int i = 0; i < last; i++)
            if (!round.Places[i].Skipped && (at -= round.Places[i].Weight) < 0)
                return RepeatedPick.Of(i);
        return RepeatedPick.Of(last);
    }

    /// <summary>Each as likely as the others.</summary>
    /// <param name="round">The record.</param>
    /// <param name="draw">Which of its draws.</param>
    /// <param name="not">Drawn before; -1: none.</param>
    public static RepeatedPick Uniform(RecordedRound round, int draw, int not)
    {
        if (Lacks(round, draw + 1) is { } lacks)
            return lacks;
        int[] left = [.. Enumerable.Range(0, round.Places.Count).Where(i => i != not && !round.Places[i].Skipped)];
        return RepeatedPick.Of(left.Length == 0 ? -1 : left[(int)(round.Draws[draw] * left.Length)]);
    }

    /// <summary>The cheaper of two that were drawn.</summary>
    public static RepeatedPick LowerOfTwo(RecordedRound round)
    {
        RepeatedPick first = Uniform(round, 0, -1);
        if (first.Missing.Length > 0 || first.Index < 0)
            return first;
        int others = round.Places.Count(p => !p.Skipped) - 1;
        if (others == 0)
            return first;
        RepeatedPick second = Uniform(round, 1, first.Index);
        if (second.Missing.Length > 0)
            return second;
        return round.Looks is [var one, var two] && one.Index == first.Index && two.Index == second.Index
            ? RepeatedPick.Of(two.Cost < one.Cost ? two.Index : one.Index)
            : RepeatedPick.Of(-1); // what was compared is not what was drawn
    }

    /// <summary>The last of those that were better than all before: each must be.</summary>
    public static RepeatedPick LastBetter(RecordedRound round, bool mayEqual)
    {
        if (!round.IsWhole)
            return RepeatedPick.NotPossible(TooMany);
        for (int i = 1; i < round.Looks.Count; i++)
            if (round.Looks[i].Cost > round.Looks[i - 1].Cost
                || (!mayEqual && round.Looks[i].Cost == round.Looks[i - 1].Cost))
                return RepeatedPick.Of(-1);
        return RepeatedPick.Of(round.Looks is [.., var last] ? last.Index : -1);
    }

    private static RepeatedPick? Lacks(RecordedRound round, int draws) =>
        !round.HasAllPlaces ? RepeatedPick.NotPossible(TooManyPlaces)
        : round.Draws.Count < draws ? RepeatedPick.NotPossible(NoDraw)
        : null;
}
