namespace Lepton.Sync.Sealing;

/// <summary>A key-encryption key of this node by its number, from 1; a later one has a greater number.</summary>
internal readonly record struct KeyEpoch(int Value) : IComparable<KeyEpoch>
{
    public int CompareTo(KeyEpoch other) => Value.CompareTo(other.Value);

    public static bool operator <(KeyEpoch a, KeyEpoch b) => a.Value < b.Value;

    public static bool operator >(KeyEpoch a, KeyEpoch b) => a.Value > b.Value;

    public static bool operator <=(KeyEpoch a, KeyEpoch b) => a.Value <= b.Value;

    public static bool operator >=(KeyEpoch a, KeyEpoch b) => a.Value >= b.Value;
}

/// <param name="Epoch">Its number.</param>
/// <param name="CreateTime">When it was made.</param>
internal sealed record KeyEpochInfo(KeyEpoch Epoch, DateTimeOffset CreateTime);

/// <summary>
/// The key-encryption keys of one node in its region: they wrap the data keys, and never leave the provider. Each node
/// has epochs of its own, so that one is destroyed without asking whether another still uses it. By default sealed
/// files; PKCS#11 and cloud services come behind the same interface.
/// </summary>
internal interface IKeyProvider
{
    /// <summary>Reads what is there; makes the first epoch where there is none.</summary>
    Task LoadAsync(CancellationToken cancellationToken);

    /// <summary>What is there, oldest first; never empty once loaded.</summary>
    IReadOnlyList<KeyEpochInfo> Epochs { get; }

    /// <summary>The newest: what wraps.</summary>
    KeyEpoch CurrentEpoch { get; }

    /// <summary>Wraps by the current epoch.</summary>
    /// <param name="key">The data key.</param>
    /// <param name="context">What it is the key of: only with the same it can be unwrapped.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<WrappedKey> WrapAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> context, CancellationToken cancellationToken);

    /// <summary>The key; null: the epoch is not there (any more), or the bytes are others.</summary>
    ValueTask<byte[]?> UnwrapAsync(
        WrappedKey wrapped, ReadOnlyMemory<byte> context, CancellationToken cancellationToken);

    /// <summary>Makes the next epoch, durably, and uses it from now on.</summary>
    Task<KeyEpoch> RotateAsync(CancellationToken cancellationToken);

    /// <summary>Destroys an epoch, durably: what it wrapped stays wrapped for ever. Not the current one.</summary>
    Task DestroyAsync(KeyEpoch epoch, CancellationToken cancellationToken);
}

/// <param name="Epoch">Wrapped by this one.</param>
/// <param name="Bytes">In the provider's form; at most 1,024.</param>
internal sealed record WrappedKey(KeyEpoch Epoch, byte[] Bytes);
