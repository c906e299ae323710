namespace Lepton.Routing.Balancing;

/// <summary>How full a candidate may be.</summary>
internal enum GuardTier
{
    /// <summary>It has a free slot.</summary>
    FreeSlot,

    /// <summary>Less than half of its queue is used.</summary>
    ShortQueue,

    /// <summary>Whatever it is.</summary>
    All,
}

/// <summary>
/// The guard works on this router's own live counts: filtering on reports, a second old, did harm (18 % failed).
/// </summary>
internal static class Guard
{
    /// <summary>
    /// Requests under way below which the tier lets the candidate through, and below which it may be booked.
    /// </summary>
    public static int Limit(Candidate candidate, GuardTier tier) => tier switch
    {
        GuardTier.FreeSlot => candidate.Slots,
        GuardTier.ShortQueue => candidate.Slots + ((candidate.QueueMax + 1) / 2),
        _ => int.MaxValue,
    };

    /// <summary>
    /// Requests of this router under way below which the candidate's queue has room: slots and queue, less one request
    /// of every other router, which may be on its way (but not of more than half of the queue). At least 1: who has
    /// nobody there asks.
    /// </summary>
    public static int RoomBelow(Candidate candidate)
    {
        double surprise = Math.Min(candidate.Crowd - 1, candidate.QueueMax / 2.0);
        double room = candidate.Slots + candidate.QueueMax - candidate.Foreign - surprise;
        return Math.Max(1, (int)Math.Ceiling(room / candidate.Crowd));
    }
}
