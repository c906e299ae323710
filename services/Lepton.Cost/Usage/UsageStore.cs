namespace Lepton.Cost.Usage;

/// <summary>What became of an event that came in.</summary>
internal enum UsageTaken
{
    /// <summary>It is new and counts.</summary>
    Added,

    /// <summary>It was there, the same in every part: counted once (B1).</summary>
    Duplicate,

    /// <summary>Another content was there by this id; the first stays.</summary>
    Conflict,

    /// <summary>It reverses what is not there.</summary>
    UnknownOriginal,

    /// <summary>It reverses an event, and not by that event's quantities.</summary>
    NotItsReversal,
}

/// <summary>Events, each once. Kept in PostgreSQL; in memory in tests.</summary>
internal interface IUsageStore
{
    /// <summary>Takes an event: atomically, on disk when it returns.</summary>
    ValueTask<UsageTaken> TakeAsync(UsageEvent usage, CancellationToken cancellationToken);
}

/// <summary>What decides whether an event counts: the same in every store.</summary>
internal static class UsageRules
{
    /// <summary>Judges.</summary>
    /// <param name="usage">What came.</param>
    /// <param name="there">What is there by its id; null: nothing.</param>
    /// <param name="original">Of a reversal: what it reverses; null: that is not there.</param>
    public static UsageTaken Judge(UsageEvent usage, UsageEvent? there, UsageEvent? original) =>
        there is not null ? there.IsSame(usage) ? UsageTaken.Duplicate : UsageTaken.Conflict
        : !usage.Id.Reversal ? UsageTaken.Added
        : original is null ? UsageTaken.UnknownOriginal
        : original.Reverse(usage.Reason).IsSame(usage) ? UsageTaken.Added
        : UsageTaken.NotItsReversal;
}
