namespace Lepton.Routing.Resilience;

/// <summary>What to do after an attempt has failed.</summary>
internal enum RetryVerdict
{
    /// <summary>Try another place, if the budget allows and there is one.</summary>
    Retry,

    /// <summary>It may have run, and must not run twice: the caller is told that nobody knows.</summary>
    OutcomeUnknown,

    /// <summary>Enough: the caller gets the last word.</summary>
    GiveUp,
}

/// <summary>Whether a failed attempt may be followed by another. Pure: the table is in its test.</summary>
internal static class RetryDecision
{
    /// <param name="failure">How it failed.</param>
    /// <param name="idempotent">A request for this model may run twice.</param>
    /// <param name="attempts">Made so far.</param>
    /// <param name="attemptsMax">Routing:AttemptsMax.</param>
    public static RetryVerdict After(Failure failure, bool idempotent, int attempts, int attemptsMax) =>
        failure == Failure.MayHaveRun && !idempotent ? RetryVerdict.OutcomeUnknown
        : failure == Failure.None || attempts >= attemptsMax ? RetryVerdict.GiveUp
        : RetryVerdict.Retry;
}
