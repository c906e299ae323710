using Lepton.Sync.Records;

namespace Lepton.Sync.Sealing;

/// <summary>From plain to stored and back. The one place that sees values in clear.</summary>
internal interface IRecordSealer
{
    /// <summary>A key as it is stored and placed: <c>TENANT/KEY</c>, or in a blind class its keyed digest.</summary>
    ReadOnlyMemory<byte> StoredKey(ClassId recordClass, string tenant, string key);

    /// <summary>Makes the row: compressed, sealed with all that identifies it, digested.</summary>
    /// <exception cref="KeyErasedException">The key was destroyed since it was chosen.</exception>
    StoredRecord Seal(PlainRecord record, DataKey key);

    /// <summary>Opens a row.</summary>
    OpenedRecord Open(StoredRecord record);

    /// <summary>A subject's keyed digest.</summary>
    SubjectDigest DigestOf(string tenant, string subject);
}

/// <summary>What a home is about to seal. A tombstone is sealed too: its key is personal data as well.</summary>
internal sealed record PlainRecord
{
    public required ClassId Class { get; init; }

    public required SlotId Slot { get; init; }

    /// <summary>From <see cref="IRecordSealer.StoredKey"/>.</summary>
    public required ReadOnlyMemory<byte> StoredKey { get; init; }

    public required string Tenant { get; init; }

    public required string Key { get; init; }

    public required RecordVersion Version { get; init; }

    public required RecordKind Kind { get; init; }

    /// <summary>0 to 1 MiB; empty for a tombstone.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    public required Guid RequestId { get; init; }
}

/// <param name="State">Opened, or why not.</param>
/// <param name="Tenant">Whose; empty unless opened, or the class keeps keys in clear.</param>
/// <param name="Key">Which; likewise.</param>
/// <param name="Value">Its value; empty unless opened.</param>
internal readonly record struct OpenedRecord(OpenState State, string Tenant, string Key, ReadOnlyMemory<byte> Value);

/// <summary>How opening went.</summary>
internal enum OpenState
{
    /// <summary>Opened.</summary>
    Opened,

    /// <summary>Its key was destroyed.</summary>
    Erased,

    /// <summary>Its key is not here.</summary>
    KeyMissing,

    /// <summary>Its bytes are not those that its home made.</summary>
    Damaged,
}
