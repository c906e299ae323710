using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lepton.Sync.Sealing;

/// <summary>
/// Key-encryption keys in files, one an epoch: <c>DIRECTORY/NODE/epoch-N.kek</c>, mode 0600, each sealed with the
/// region's secret. Form: <c>LPKEK001</c>, time of making (8 bytes, Unix milliseconds, big-endian), nonce (12), key
/// (32), tag (16); the node, the epoch and the time are associated data.
/// </summary>
internal sealed class SealedFileKeyProvider : IKeyProvider, IDisposable
{
    private const int KeyBytes = 32, NonceBytes = 12, TagBytes = 16, HeadBytes = 16;
    private const int FileBytes = HeadBytes + NonceBytes + KeyBytes + TagBytes;
    private const string Prefix = "epoch-", Suffix = ".kek";

    private readonly string _folder, _node;
    private readonly AesGcm _secret;
    private readonly Entropy _entropy;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new(); // a cipher is used by one at a time
    private readonly SortedDictionary<KeyEpoch, (KeyEpochInfo Info, AesGcm Cipher)> _epochs = [];

    /// <param name="directory">The region's folder.</param>
    /// <param name="node">The node's name: its own folder in it.</param>
    /// <param name="secret">The region's secret, 32 bytes; zeroed here.</param>
    /// <param name="entropy">Makes keys and nonces.</param>
    /// <param name="time">The clock.</param>
    public SealedFileKeyProvider(string directory, string node, byte[] secret, Entropy entropy, TimeProvider time)
    {
        (_folder, _node, _entropy, _time) = (Path.Combine(directory, node), node, entropy, time);
        _secret = new AesGcm(secret, TagBytes);
        CryptographicOperations.ZeroMemory(secret);
    }

    public IReadOnlyList<KeyEpochInfo> Epochs
    {
        get
        {
            lock (_lock)
                return [.. _epochs.Values.Select(e => e.Info)];
        }
    }

    public KeyEpoch CurrentEpoch => Epochs is [.., var last]
        ? last.Epoch
        : throw new InvalidOperationException("The key-encryption keys are not loaded.");

    /// <exception cref="InvalidDataException">A file is damaged, or sealed with another secret.</exception>
    public Task LoadAsync(CancellationToken cancellationToken)
    {
        DurableFiles.EnsureFolder(_folder);
        lock (_lock)
        {
            Forget();
            foreach (var file in Directory.GetFiles(_folder))
            {
                var name = Path.GetFileName(file);
                if (name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
                    && int.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length),
                        NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
                    Read(new KeyEpoch(number), file);
                else
                    DurableFiles.Shred(file); // half of a key that was never used
            }
            if (_epochs.Count == 0)
                Make(new KeyEpoch(1));
        }
        return Task.CompletedTask;
    }

    public ValueTask<WrappedKey> WrapAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> context, CancellationToken cancellationToken)
    {
        var bytes = new byte[NonceBytes + key.Length + TagBytes];
        _entropy.Fill(bytes.AsSpan(0, NonceBytes));
        lock (_lock)
        {
            var epoch = CurrentEpoch;
            _epochs[epoch].Cipher.Encrypt(bytes.AsSpan(0, NonceBytes), key.Span, bytes.AsSpan(NonceBytes, key.Length),
                bytes.AsSpan(NonceBytes + key.Length), context.Span);
            return new(new WrappedKey(epoch, bytes));
        }
    }

    public ValueTask<byte[]?> UnwrapAsync(
        WrappedKey wrapped, ReadOnlyMemory<byte> context, CancellationToken cancellationToken)
    {
        var bytes = wrapped.Bytes;
        if (bytes.Length < NonceBytes + TagBytes)
            return new((byte[]?)null);
        // Pinned, so that the collector leaves no copy behind where it was.
        var key = GC.AllocateUninitializedArray<byte>(bytes.Length - NonceBytes - TagBytes, pinned: true);
        lock (_lock)
        {
            if (!_epochs.TryGetValue(wrapped.Epoch, out var epoch))
                return new((byte[]?)null);
            try
            {
                epoch.Cipher.Decrypt(bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes, key.Length),
                    bytes.AsSpan(NonceBytes + key.Length), key, context.Span);
                return new(key);
            }
            catch (AuthenticationTagMismatchException)
            {
                return new((byte[]?)null);
            }
        }
    }

    public Task<KeyEpoch> RotateAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            KeyEpoch next = new(CurrentEpoch.Value + 1);
            Make(next);
            return Task.FromResult(next);
        }
    }

    public Task DestroyAsync(KeyEpoch epoch, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (epoch == CurrentEpoch)
                throw new ArgumentException("The epoch in use is not destroyed; rotate first.", nameof(epoch));
            DurableFiles.Shred(FileOf(epoch));
            if (_epochs.Remove(epoch, out var gone))
                gone.Cipher.Dispose();
        }
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        lock (_lock)
            Forget();
        _secret.Dispose();
    }

    private void Make(KeyEpoch epoch)
    {
        var file = new byte[FileBytes];
        Span<byte> key = stackalloc byte[KeyBytes];
        _entropy.Fill(key);
        KeyEpochInfo info = new(
            epoch, DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()));
        "LPKEK001"u8.CopyTo(file);
        BinaryPrimitives.WriteInt64BigEndian(file.AsSpan(8), info.CreateTime.ToUnixTimeMilliseconds());
        var nonce = file.AsSpan(HeadBytes, NonceBytes);
        _entropy.Fill(nonce);
        _secret.Encrypt(nonce, key, file.AsSpan(HeadBytes + NonceBytes, KeyBytes), file.AsSpan(^TagBytes..),
            Context(epoch, file));
        DurableFiles.Replace(FileOf(epoch), file);
        _epochs.Add(epoch, (info, new AesGcm(key, TagBytes)));
        CryptographicOperations.ZeroMemory(key);
    }

    private void Read(KeyEpoch epoch, string path)
    {
        var file = File.ReadAllBytes(path);
        if (file.Length != FileBytes || !file.AsSpan().StartsWith("LPKEK001"u8))
            throw new InvalidDataException($"{path} is no key-encryption key of Lepton's, or is damaged.");
        Span<byte> key = stackalloc byte[KeyBytes];
        try
        {
            _secret.Decrypt(file.AsSpan(HeadBytes, NonceBytes), file.AsSpan(HeadBytes + NonceBytes, KeyBytes),
                file.AsSpan(^TagBytes..), key, Context(epoch, file));
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new InvalidDataException($"{path} is damaged, of another node, or sealed with another secret than "
                + "Sync:Keys:SecretFile holds.");
        }
        var made = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(file.AsSpan(8)));
        _epochs.Add(epoch, (new KeyEpochInfo(epoch, made), new AesGcm(key, TagBytes)));
        CryptographicOperations.ZeroMemory(key);
    }

    private byte[] Context(KeyEpoch epoch, byte[] file) =>
        [.. file.AsSpan(0, HeadBytes), .. Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"lepton/sync/kek/{_node}/{epoch.Value}"))];

    private string FileOf(KeyEpoch epoch) => Path.Combine(
        _folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{epoch.Value:D6}{Suffix}"));

    private void Forget()
    {
        foreach (var (_, cipher) in _epochs.Values)
            cipher.Dispose();
        _epochs.Clear();
    }
}
