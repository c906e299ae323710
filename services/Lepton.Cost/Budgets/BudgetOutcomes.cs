namespace Lepton.Cost.Budgets;

/// <summary>What became of a wish to reserve.</summary>
internal abstract record ReserveOutcome
{
    private ReserveOutcome()
    {
    }

    /// <summary>Reserved at every level; also the answer when it was so before (same id).</summary>
    internal sealed record Granted : ReserveOutcome;

    /// <summary>Nothing was reserved at any level.</summary>
    /// <param name="Budget">The first level, from the top, that has not enough.</param>
    /// <param name="FreeMicros">What is left there, 0 or more.</param>
    internal sealed record Refused(string Budget, long FreeMicros) : ReserveOutcome;

    /// <summary>This region holds as many open reservations as it may.</summary>
    /// <param name="Limit">How many.</param>
    internal sealed record TooMany(int Limit) : ReserveOutcome;
}

/// <summary>What became of a settlement.</summary>
internal enum SettleOutcome
{
    /// <summary>It counts.</summary>
    Settled,

    /// <summary>It counted before.</summary>
    Duplicate,

    /// <summary>There was no such reservation.</summary>
    Unknown,
}

/// <summary>Where an account stands in one region and period. Millionths.</summary>
/// <param name="ShareMicros">This region's part of the limit: what it may spend without asking anybody.</param>
/// <param name="SettledMicros">Spent.</param>
/// <param name="ReservedMicros">Promised to work that is under way.</param>
/// <param name="OverrunMicros">Of what is spent, what was beyond its reservation: the reservation was too
/// small.</param>
internal readonly record struct BudgetStanding(
    long ShareMicros, long SettledMicros, long ReservedMicros, long OverrunMicros)
{
    /// <summary>What is left; 0 or more.</summary>
    public long FreeMicros => Math.Max(0, ShareMicros - SettledMicros - ReservedMicros);
}

/// <summary>A part of a share on its way from one region to another. It is nobody's until it arrives.</summary>
/// <param name="Id">Unique; contains the giver, so that it is taken once.</param>
/// <param name="Budget">Of which budget.</param>
/// <param name="Period">Of which period; what arrives after its end is void.</param>
/// <param name="To">The region that asked.</param>
/// <param name="Micros">1 or more.</param>
internal sealed record ShareTransfer(string Id, string Budget, BudgetPeriod Period, string To, long Micros);
