using System.Buffers.Binary;
using System.Security.Cryptography;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>Key-encryption keys in memory, which outlive the node's processes. It sees of which class each key is that
/// a node keeps.</summary>
/// <param name="random">Makes them.</param>
/// <param name="time">Says when.</param>
/// <param name="kept">Told of each key's class before it is wrapped.</param>
internal sealed class SimulatedKeyProvider(Random random, TimeProvider time, Action<ClassId> kept) : IKeyProvider
{
    private const int NonceBytes = 12, TagBytes = 16, IdBytes = 16;

    private readonly SortedDictionary<int, (KeyEpochInfo Info, byte[] Key)> _epochs = [];

    public IReadOnlyList<KeyEpochInfo> Epochs => [.. _epochs.Values.Select(e => e.Info)];

    public KeyEpoch CurrentEpoch => _epochs.Values.Last().Info.Epoch;

    public Task LoadAsync(CancellationToken cancellationToken) =>
        _epochs.Count > 0 ? Task.CompletedTask : RotateAsync(cancellationToken);

    public ValueTask<WrappedKey> WrapAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> context, CancellationToken cancellationToken)
    {
        kept(new ClassId(BinaryPrimitives.ReadInt16BigEndian(context.Span[IdBytes..])));
        var wrapped = new byte[NonceBytes + key.Length + TagBytes];
        random.NextBytes(wrapped.AsSpan(0, NonceBytes));
        using AesGcm cipher = new(_epochs[CurrentEpoch.Value].Key, TagBytes);
        cipher.Encrypt(wrapped.AsSpan(0, NonceBytes), key.Span, wrapped.AsSpan(NonceBytes, key.Length),
            wrapped.AsSpan(NonceBytes + key.Length), context.Span);
        return new(new WrappedKey(CurrentEpoch, wrapped));
    }

    public ValueTask<byte[]?> UnwrapAsync(
        WrappedKey wrapped, ReadOnlyMemory<byte> context, CancellationToken cancellationToken)
    {
        if (!_epochs.TryGetValue(wrapped.Epoch.Value, out var epoch))
            return new((byte[]?)null);
        var key = new byte[wrapped.Bytes.Length - NonceBytes - TagBytes];
        using AesGcm cipher = new(epoch.Key, TagBytes);
        cipher.Decrypt(wrapped.Bytes.AsSpan(0, NonceBytes), wrapped.Bytes.AsSpan(NonceBytes, key.Length),
            wrapped.Bytes.AsSpan(NonceBytes + key.Length), key, context.Span);
        return new(key);
    }

    public Task<KeyEpoch> RotateAsync(CancellationToken cancellationToken)
    {
        KeyEpoch next = new((_epochs.Count == 0 ? 0 : CurrentEpoch.Value) + 1);
        var key = new byte[32];
        random.NextBytes(key);
        _epochs[next.Value] = (new KeyEpochInfo(next, time.GetUtcNow()), key);
        return Task.FromResult(next);
    }

    public Task DestroyAsync(KeyEpoch epoch, CancellationToken cancellationToken)
    {
        _epochs.Remove(epoch.Value);
        return Task.CompletedTask;
    }
}

/// <summary>Keys, nonces and ids of a seed.</summary>
internal sealed class SeededEntropy(Random random) : Entropy
{
    public override void Fill(Span<byte> bytes) => random.NextBytes(bytes);
}
