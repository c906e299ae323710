using System.Buffers.Binary;
using Lepton.Sync.Records;

namespace Lepton.Sync.Sealing;

/// <summary>
/// The keys that records are sealed with, one for each (class, subject) and one for each class's records of nobody.
/// They are kept per region outside every table, log and backup, wrapped by the region's key-encryption key.
/// </summary>
internal interface IDataKeys
{
    /// <summary>
    /// Called when keys were destroyed, before the call that destroyed them returns: what was made with them is dropped
    /// now (ciphers, cached values).
    /// </summary>
    event Action<IReadOnlyList<KeyId>>? Destroyed;

    /// <summary>
    /// The key that a home seals a subject's (null: nobody's) new records with; made, and durable, if there is none.
    /// It may be destroyed before it is used: <see cref="IRecordSealer.Seal"/> says so, and the caller asks again.
    /// </summary>
    /// <exception cref="KeyStoreFullException">There are as many keys as the node holds.</exception>
    /// <exception cref="KeyStoreUnavailableException">The store cannot be written.</exception>
    ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken);

    /// <summary>The same for a subject (null: nobody) that is known by its digest.</summary>
    /// <exception cref="KeyStoreFullException">There are as many keys as the node holds.</exception>
    /// <exception cref="KeyStoreUnavailableException">The store cannot be written.</exception>
    /// <exception cref="NotSupportedException">These keys are not kept by subject.</exception>
    ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, SubjectDigest? subject, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{GetType().Name} keeps no keys by a subject's digest.");

    /// <summary>What is known here of a key. Quick: memory only.</summary>
    DataKeyLookup Find(KeyId id);

    /// <summary>Keeps keys that another node sent, durably. One that is erased here stays erased.</summary>
    Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken);

    /// <summary>Records that keys are erased elsewhere, so that they are never taken again.</summary>
    Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken);

    /// <summary>
    /// Destroys every key of a subject, of all classes: from memory and from disk. Returns which were ever destroyed
    /// for the subject; the same again when it is repeated. A key made before <paramref name="orderTime"/> that another
    /// node sends later is not taken.
    /// </summary>
    Task<IReadOnlyList<KeyId>> EraseAsync(
        SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken);

    /// <summary>The live keys of a subject, for an export.</summary>
    IReadOnlyList<KeyId> OfSubject(SubjectDigest subject);
}

/// <summary>A subject of a tenant as a keyed digest (32 bytes): what is stored and sent instead of its name.</summary>
internal sealed record SubjectDigest(string Tenant, ReadOnlyMemory<byte> Digest)
{
    public bool Equals(SubjectDigest? other) =>
        other is not null && Tenant == other.Tenant && Digest.Span.SequenceEqual(other.Digest.Span);

    public override int GetHashCode() => HashCode.Combine(Tenant, Digest.Length > 4 ? Digest.Span[0] : 0);
}

/// <param name="Id">Its id.</param>
/// <param name="Class">The class whose records it seals.</param>
/// <param name="Subject">Whose; null: the class's own.</param>
/// <param name="Key">AES-256: 32 bytes.</param>
internal sealed record DataKey(KeyId Id, ClassId Class, SubjectDigest? Subject, ReadOnlyMemory<byte> Key)
{
    /// <summary>When it was made, by the clock of the node that made it.</summary>
    public DateTimeOffset CreateTime { get; init; }
}

/// <summary>As many keys are here as <c>Sync:Keys:KeysMax</c> says.</summary>
internal sealed class KeyStoreFullException(int keysMax)
    : Exception($"The node holds {keysMax} data keys; Sync:Keys:KeysMax takes more.");

/// <summary>The file of the keys, or the key-encryption key, cannot be used now: nothing was done.</summary>
internal sealed class KeyStoreUnavailableException(Exception inner)
    : IOException($"Sync:Keys:StoreDirectory: the key store cannot be written: {inner.Message}", inner);

/// <summary>
/// A key was destroyed between its choice and its use: ask <see cref="IDataKeys.ForWriteAsync"/> again.
/// </summary>
internal sealed class KeyErasedException(KeyId id) : Exception($"Data key {id.Value} was destroyed.");

/// <param name="State">What is known.</param>
/// <param name="Key">Where live.</param>
internal readonly record struct DataKeyLookup(KeyState State, DataKey? Key);

/// <summary>What is known of a key.</summary>
internal enum KeyState
{
    /// <summary>Nothing: ask the source that sent the record.</summary>
    Unknown,

    /// <summary>It is there.</summary>
    Live,

    /// <summary>It was destroyed.</summary>
    Erased,
}
