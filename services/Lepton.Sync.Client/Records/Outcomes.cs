namespace Lepton.Sync.Client;

/// <summary>A record as it was read.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="Version">Sync's version of it: opaque; later ones are greater as text.</param>
/// <param name="StalenessMax">At most this old against its home; null: not known.</param>
public sealed record GlobalRecord<T>(string Key, T Value, string Version, TimeSpan? StalenessMax);

/// <summary>What became of a write.</summary>
public abstract record WriteOutcome
{
    private WriteOutcome()
    {
    }

    /// <summary>It is as safe as the class asks for.</summary>
    /// <param name="Version">The record's version now.</param>
    /// <param name="Repeated">An earlier try had written it already.</param>
    public sealed record Done(string Version, bool Repeated) : WriteOutcome;

    /// <summary>The record has another version than expected: nothing was written.</summary>
    /// <param name="Version">Its version; <c>0</c>: there is none.</param>
    public sealed record Conflict(string Version) : WriteOutcome;

    /// <summary>Written at its home, and not confirmed elsewhere before the deadline. Repeat with the id.</summary>
    /// <param name="Version">The record's version now.</param>
    /// <param name="RequestId">Makes the repetition the same write.</param>
    public sealed record Unconfirmed(string Version, Guid RequestId) : WriteOutcome;

    /// <summary>It may have been written. Repeat with the id.</summary>
    /// <param name="RequestId">Makes the repetition the same write.</param>
    /// <param name="Why">For people.</param>
    public sealed record Unknown(Guid RequestId, string Why) : WriteOutcome;

    /// <summary>Nothing was written: no node could do it in the time and with the repetitions there were.</summary>
    /// <param name="Why">For people.</param>
    public sealed record NotDone(string Why) : WriteOutcome;
}

/// <summary>A change of a record that is followed.</summary>
/// <param name="Key">Whose.</param>
/// <param name="Value">Its value now; default where it was deleted.</param>
/// <param name="Version">The version of the change.</param>
/// <param name="IsDeleted">It is gone.</param>
public sealed record RecordChange<T>(string Key, T? Value, string Version, bool IsDeleted);

/// <summary>No node could answer in the time and with the repetitions there were.</summary>
public sealed class RecordsUnavailableException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>A node refused for good: a wrong field, a right that is missing. It is no use to ask again.</summary>
/// <param name="reason">As Sync's errors.proto documents it, e.g. FIELD_INVALID.</param>
/// <param name="message">For people.</param>
/// <param name="cause">What came.</param>
public sealed class RecordsRefusedException(string reason, string message, Exception? cause = null)
    : Exception($"{reason}: {message}", cause)
{
    /// <summary>As Sync's errors.proto documents it.</summary>
    public string Reason { get; } = reason;
}
