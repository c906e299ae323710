using System.Runtime.CompilerServices;

namespace Lepton.Routing.Balancing;

/// <summary>What one pick may use beside the view: chance, time, turn, and where the request was before.</summary>
internal ref struct PickContext(Chance chance, long unixSeconds)
{
    private Chance _chance = chance;

    public long UnixSeconds { get; } = unixSeconds;

    /// <summary>The round robin's turn; only strategies that take turns read it.</summary>
    public long Turn { get; set; }

    /// <summary>Lanes that failed this request already.</summary>
    public ReadOnlySpan<Lane> Attempted { get; init; }

    /// <summary>Above 0 to 1: the part of each lane's limit that the request may use.</summary>
    public double LimitShare { get; init; } = 1;

    /// <summary>A candidate that was picked is at its limit: all that are so are passed over now.</summary>
    public bool SkipsFull { get; set; }

    /// <summary>Somebody is passed over: a draw among all won't do.</summary>
    public readonly bool SkipsAny => SkipsFull || !Attempted.IsEmpty;

    public PickTrace Trace;

    public double Draw()
    {
        double draw = _chance.Next();
        Trace.Add(draw);
        return draw;
    }

    /// <summary>Requests under way below which the lane may be booked by this one; at least 1.</summary>
    public readonly int LimitOf(Lane lane) =>
        LimitShare >= 1 ? lane.Limit : Math.Max(1, (int)(lane.Limit * LimitShare));

    public readonly bool Skips(Lane lane)
    {
        if (SkipsFull && lane.Outstanding >= LimitOf(lane))
            return true;
        foreach (Lane tried in Attempted)
            if (ReferenceEquals(tried, lane))
                return true;
        return false;
    }
}

/// <summary>
/// The draws of one pick and the candidates compared, kept on the stack until somebody records them.
/// </summary>
internal struct PickTrace
{
    internal const int Capacity = 16;

    private Draws _draws;
    private Indexes _drawn;
    private Indexes _outstanding;
    private Draws _costs;

    [InlineArray(Capacity)]
    private struct Draws
    {
        private double _first;
    }

    [InlineArray(Capacity)]
    private struct Indexes
    {
        private int _first;
    }

    public int DrawCount { get; private set; }

    public int DrawnCount { get; private set; }

    /// <summary>Draws of rounds that lost their pick to another request.</summary>
    public int DrawsLost { get; private set; }

    /// <summary>Comparisons of such rounds.</summary>
    public int DrawnLost { get; private set; }

    /// <summary>A round begins: what was drawn before it was in vain.</summary>
    public void Begin() => (DrawsLost, DrawnLost) = (DrawCount, DrawnCount);

    public void Add(double draw)
    {
        if (DrawCount < Capacity)
            _draws[DrawCount++] = draw;
    }

    /// <summary>This one was drawn, without a comparison.</summary>
    public void Drew(int index) => Compared(index, double.NaN, 0);

    /// <param name="index">Into the view.</param>
    /// <param name="cost">What the strategy compares: lower is better.</param>
    /// <param name="outstanding">Requests under way there, as seen.</param>
    public void Compared(int index, double cost, int outstanding)
    {
        if (DrawnCount == Capacity)
            return;
        (_costs[DrawnCount], _outstanding[DrawnCount]) = (cost, outstanding);
        _drawn[DrawnCount++] = index;
    }

    public readonly double DrawAt(int i) => _draws[i];

    public readonly int DrawnAt(int i) => _drawn[i];

    /// <summary>What was compared; NaN: nothing was.</summary>
    public readonly double CostAt(int i) => _costs[i];

    public readonly int OutstandingAt(int i) => _outstanding[i];
}
