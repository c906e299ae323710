namespace Lepton.Routing.Balancing;

/// <summary>
/// Picks one of a view's candidates. Pure: the same view, live counts, draws, time and turn give the same pick; no
/// heap, no clock, no lock. Residency, model and health are settled before: whatever is in the view may serve.
/// </summary>
internal interface IBalancingStrategy
{
    /// <summary>The value of x-lepton-strategy and of Routing:ModelStrategies that asks for it.</summary>
    string Name { get; }

    /// <summary>True when <see cref="PickContext.Turn"/> must be filled in.</summary>
    bool TakesTurns => false;

    /// <summary>
    /// The pick, or <see cref="Selection.None"/> when every candidate was attempted or there is none.
    /// </summary>
    Selection Select(CandidateView view, ref PickContext context);

    /// <summary>The same pick again, from what was recorded of its last round (R9).</summary>
    RepeatedPick Repeat(RecordedRound round);
}

/// <summary>A pick that is not booked yet.</summary>
/// <param name="Index">Into <see cref="CandidateView.All"/>; -1: none.</param>
/// <param name="ReserveBelow">Book only while fewer requests than this are under way there, else pick again.</param>
internal readonly record struct Selection(int Index, int ReserveBelow)
{
    public static Selection None => new(-1, 0);

    public static Selection Of(int index) => new(index, int.MaxValue);
}
