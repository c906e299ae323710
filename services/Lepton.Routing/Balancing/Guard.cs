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
}
