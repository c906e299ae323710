namespace Lepton.Routing.Balancing;

/// <summary>
/// A place that may serve one model: a node of the own region, or another region by one of its routers. Immutable but
/// for its <see cref="Lane"/>, which is live.
/// </summary>
internal sealed class Candidate
{
    // A weight needs a latency above nothing; below a microsecond is measurement noise.
    private const double LatencyMillisecondsMin = 0.001;

    // Of places that seem equally quick the emptier is the better bet: learned times are 10 % off, and slots share a
    // machine.
    private const double UsedSlotCost = 0.25;

    // Of a region of many nodes there is always one where somebody waits.
    private const double HardlyQueued = 0.1;

    /// <summary>The node's id; empty for another region.</summary>
    public required string Node { get; init; }

    public required string Region { get; init; }

    /// <summary>The router that is the way into another region; empty for a node.</summary>
    public string Router { get; init; } = "";

    /// <summary>Empty for another region.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Where it is reached.</summary>
    public required Uri Url { get; init; }

    public required Lane Lane { get; init; }

    /// <summary>The connections to it, once something was sent there.</summary>
    public Gateway.PeerRoute? Route { get; set; }

    /// <summary>Concurrent executions that may be used now, at least 1.</summary>
    public required int Slots { get; init; }

    /// <summary>Concurrent executions that there are; more than may be used while a place starts slowly.</summary>
    public int SlotsThere { get => Math.Max(field, Slots); init; }

    /// <summary>0 to 1: the part of its share that a place gets while it starts slowly.</summary>
    public double StartShare { get; init; } = 1;

    /// <summary>Requests that may wait there beyond the slots.</summary>
    public int QueueMax { get; init; }

    /// <summary>Reported as waiting, for the record; strategies count what is under way themselves.</summary>
    public int Queued { get; init; }

    /// <summary>Requests there that this router did not send: from the last report.</summary>
    public int Foreign { get; init; }

    /// <summary>Requests there, all routers', for each of this router's; see <see cref="AnswerShare"/>.</summary>
    public double Crowd { get; init; } = 1;

    public double RoundTripSeconds { get; init; }

    /// <summary>Service time to believe until this router has learned its own.</summary>
    public double ServicePriorSeconds { get; init; }

    /// <summary>0 to 100: what R2 calls load.</summary>
    public double LoadPercent { get; init; }

    public bool IsRegion => Node.Length == 0;

    /// <summary>Learned service time, else the reported one; longer after failures.</summary>
    public double ServiceSeconds =>
        (Lane.ServiceSeconds is > 0 and var learned ? learned : ServicePriorSeconds) * Lane.Slowness;

    /// <summary>The learned time that remembers a slow answer, else the reported one; longer after failures.</summary>
    public double PeakServiceSeconds => SlowServiceSeconds * Lane.Slowness;

    /// <summary>What a slow answer takes there, the way included, when it comes.</summary>
    public double SlowAnswerSeconds => RoundTripSeconds + SlowServiceSeconds;

    /// <summary>Expected seconds to an answer when nobody waits there: RTT + service.</summary>
    public double LatencySeconds => RoundTripSeconds + ServiceSeconds;

    /// <summary>Requests of this router under way for each slot: a count alone would shun whole regions.</summary>
    public double Use => Lane.Outstanding / (double)Slots;

    /// <summary>R2's weight, with the time of a whole answer as the latency.</summary>
    public double FormulaWeight => Formula.Weight(LatencyMilliseconds, LoadPercent) * StartShare;

    /// <summary>
    /// Expected seconds to an answer: RTT + service × (1 + waiting / slots + 0.25 × slots used / slots). Lower is
    /// better.
    /// </summary>
    public double Score => ScoreAt(Lane.Outstanding);

    /// <summary>
    /// One more than so many requests of this router finds no slot free there, as far as it can tell.
    /// </summary>
    public bool QueuesAt(int outstanding) =>
        PresentAt(outstanding) + 1 > SlotsThere || Queued > SlotsThere * HardlyQueued;

    /// <summary>What an answer takes without a queue, as the place itself says.</summary>
    public double SaidLatencySeconds => RoundTripSeconds + ServicePriorSeconds;

    /// <summary>The same, were so many requests of this router under way there.</summary>
    public double ScoreAt(int outstanding)
    {
        double present = PresentAt(outstanding);
        double waiting = Math.Max(0, present + 1 - Slots), used = Math.Min(present, Slots);
        return RoundTripSeconds + (ServiceSeconds * (1 + ((waiting + (UsedSlotCost * used)) / Slots)));
    }

    /// <summary>Requests there, all routers', as far as this one can tell.</summary>
    private double PresentAt(int outstanding) => (outstanding * Crowd) + Foreign;

    private double SlowServiceSeconds => Lane.PeakServiceSeconds is > 0 and var peak ? peak : ServicePriorSeconds;

    private double LatencyMilliseconds => Math.Max(LatencySeconds * 1000, LatencyMillisecondsMin);
}
