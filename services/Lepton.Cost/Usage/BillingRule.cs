namespace Lepton.Cost.Usage;

/// <summary>Who pays for an attempt.</summary>
internal enum BilledTo
{
    /// <summary>It isn't known yet which attempt answered; nobody is charged until it is.</summary>
    Pending,

    /// <summary>The tenant.</summary>
    Tenant,

    /// <summary>Everybody: it is shared by the rule of the pool "overhead".</summary>
    Overhead,
}

/// <summary>
/// The rule: the attempt whose answer went to the caller is billed to the tenant, whole. What hedging, retries and
/// failures used beside it is the platform's choice and its fault, not the tenant's: overhead, shared in proportion to
/// what each is charged. A request that nobody answered is overhead altogether.
/// </summary>
internal static class BillingRule
{
    /// <summary>Who pays.</summary>
    /// <param name="usage">A router's event says it by itself; a node's needs <paramref name="answered"/>.</param>
    /// <param name="answered">The request's attempt that answered; -1: none; null: not known yet.</param>
    public static BilledTo Of(UsageEvent usage, int? answered) => usage switch
    {
        { Id.Source: UsageSource.Storage } => BilledTo.Tenant,
        { Outcome: AttemptOutcome.Answered } => BilledTo.Tenant,
        { Outcome: AttemptOutcome.Superseded or AttemptOutcome.Failed } => BilledTo.Overhead,
        _ when answered is null => BilledTo.Pending,
        _ => usage.Id.Attempt == answered ? BilledTo.Tenant : BilledTo.Overhead,
    };
}
