using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Waiting;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Sealing;

/// <summary>
/// The data keys of one node: in memory, and wrapped in a small file of its own outside the database. A key is durable
/// before it is used. A destroyed one is gone from memory, then from the file, before the call returns; its id stays,
/// so that it is never taken again. After an error of the disk the file is written anew before anything else.
/// </summary>
internal sealed partial class KeyStore(
    IKeyFile file, IKeyProvider provider, BlindingKey blinding, Entropy entropy, IOptions<KeyOptions> options,
    SealingMetrics metrics, TimeProvider time, ILogger<KeyStore> logger) : IDataKeys
{
    private const int KeyBytes = 32;

    private readonly KeyTable _table = new();
    private readonly AsyncGate _gate = new(); // changes one after the other
    private readonly Lock _wishing = new();
    private Dictionary<(ClassId, SubjectDigest?), TaskCompletionSource<DataKey>> _wishes = [];
    private string _node = "";
    private bool _isLoaded;
    private bool _isDirty; // memory is ahead of the file

    public event Action<IReadOnlyList<KeyId>>? Destroyed;

    public int LiveCount => _table.LiveCount;

    public int ErasedCount => _table.ErasedCount;

    /// <summary>The first erasure whose keys' key-encryption key is still there; null: none.</summary>
    public DateTimeOffset? UnrotatedSince { get; private set; }

    public DataKeyLookup Find(KeyId id) => _table.Find(id);

    public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => _table.OfSubject(subject);

    /// <summary>Reads the file; before anything else is asked of it.</summary>
    /// <param name="node">Whose it must be.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidDataException">
    /// It is damaged, another node's, or its key-encryption key is gone.
    /// </exception>
    public async Task LoadAsync(string node, CancellationToken cancellationToken)
    {
        await provider.LoadAsync(cancellationToken);
        _node = node;
        var bytes = await file.ReadAsync(cancellationToken);
        List<KeyItem> items = [];
        try
        {
            var whole = KeyFrames.Read(bytes, items);
            if (bytes.Length > 0 && (items is not [KeyItem.Head head, ..] || head.Node != node))
                throw new InvalidDataException($"it is not node {node}'s");
            await TakeAsync(items, cancellationToken);
            if (whole < bytes.Length)
                LogTorn(bytes.Length - whole);
            if (whole < bytes.Length || bytes.Length == 0)
                await RewriteAsync(cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"Sync:Keys:StoreDirectory: the key store cannot be used: {e.Message}.", e);
        }
        _isLoaded = true;
    }

    public ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken) => ForWriteAsync(
        recordClass, subject is null ? null : blinding.OfSubject(tenant, subject), cancellationToken);

    public ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, SubjectDigest? subject, CancellationToken cancellationToken) =>
        _table.ForWrite(recordClass, subject) is { } key
            ? new(key)
            : new(MakeAsync((recordClass, subject), cancellationToken));

    public async Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            List<DataKey> fresh = [.. keys.Where(k => Find(k.Id).State == KeyState.Unknown).DistinctBy(k => k.Id)];
            List<KeyId> late = [.. fresh.Where(IsErased).Select(k => k.Id)];
            fresh.RemoveAll(k => late.Contains(k.Id));
            CheckRoom(fresh.Count);
            List<LiveKey> live = [];
            foreach (var key in fresh)
            {
                var secret = GC.AllocateUninitializedArray<byte>(KeyBytes, pinned: true);
                if (key.Key.Length != KeyBytes)
                    throw new ArgumentException($"A data key takes {KeyBytes} bytes.", nameof(keys));
                key.Key.CopyTo(secret);
                live.Add(await WrapAsync(key with { Key = secret }, secret, isOwn: false, cancellationToken));
            }
            List<KeyItem> items = [.. live.Select(ItemOf)];
            if (late.Count > 0)
            {
                _table.Destroy(late);
                items.Add(new KeyItem.Erased(null, default, late));
            }
            if (items.Count > 0)
                await AppendAsync(items, cancellationToken);
            foreach (var key in live)
                _table.Add(key, isForWriting: false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private bool IsErased(DataKey key) => key.Subject is { } subject && _table.TryGetErased(subject, out var erased)
        && key.CreateTime <= erased.OrderTime;

    // Whoever comes first makes the keys that all who came meanwhile wish for, in one write.
    private async Task<DataKey> MakeAsync((ClassId, SubjectDigest?) wished, CancellationToken cancellationToken)
    {
        TaskCompletionSource<DataKey>? wish;
        lock (_wishing)
        {
            if (!_wishes.TryGetValue(wished, out wish))
                _wishes[wished] = wish = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        await EnterAsync(cancellationToken);
        try
        {
            if (!wish.Task.IsCompleted)
                await GrantAsync();
        }
        finally
        {
            _gate.Release();
        }
        return await wish.Task;
    }

    private async Task GrantAsync()
    {
        Dictionary<(ClassId, SubjectDigest?), TaskCompletionSource<DataKey>> wishes;
        lock (_wishing)
            (wishes, _wishes) = (_wishes, []);
        try
        {
            List<LiveKey> made = [];
            foreach (var (recordClass, subject) in wishes.Keys)
            {
                // Somebody may have been first between the look and the wish.
                if (_table.ForWrite(recordClass, subject) is null)
                    made.Add(await NewAsync(recordClass, subject));
            }
            CheckRoom(made.Count);
            // What one caller wishes others do too: its cancellation does not count here.
            if (made.Count > 0)
                await AppendAsync([.. made.Select(ItemOf)], CancellationToken.None);
            foreach (var key in made)
                _table.Add(key, isForWriting: true);
            foreach (var ((recordClass, subject), wish) in wishes)
                wish.SetResult(_table.ForWrite(recordClass, subject)
                    ?? throw new InvalidOperationException("A key was used up as it was made."));
        }
        catch (Exception e)
        {
            foreach (var wish in wishes.Values)
                wish.TrySetException(e); // each caller hears it
        }
    }

    private Task<LiveKey> NewAsync(ClassId recordClass, SubjectDigest? subject)
    {
        var secret = GC.AllocateUninitializedArray<byte>(KeyBytes, pinned: true);
        entropy.Fill(secret);
        var now = time.GetUtcNow();
        // The order's clock may be ahead of ours: what is made after it must look so everywhere.
        if (subject is not null && _table.TryGetErased(subject, out var erased) && erased.OrderTime >= now)
            now = erased.OrderTime.AddTicks(1);
        DataKey key = new(new KeyId(entropy.NewId()), recordClass, subject, secret) { CreateTime = now };
        return WrapAsync(key, secret, isOwn: true, CancellationToken.None);
    }

    private async Task<LiveKey> WrapAsync(
        DataKey key, byte[] secret, bool isOwn, CancellationToken cancellationToken) =>
        new(key, secret, isOwn, await provider.WrapAsync(secret, ContextOf(key), cancellationToken));

    private void CheckRoom(int more)
    {
        if (more > 0 && LiveCount + more > options.Value.KeysMax)
            throw new KeyStoreFullException(options.Value.KeysMax);
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        if (!_isLoaded)
            throw new InvalidOperationException("The key store is not loaded.");
        await _gate.WaitAsync(cancellationToken);
    }

    // What a wrapped key is the key of: moved to another's place it does not open.
    private static byte[] ContextOf(DataKey key) =>
    [
        .. key.Id.Value.ToByteArray(bigEndian: true), (byte)(key.Class.Value >> 8), (byte)key.Class.Value,
        .. key.Subject?.Digest.ToArray() ?? [], .. Encoding.UTF8.GetBytes(key.Subject?.Tenant ?? ""),
    ];

    private static KeyItem ItemOf(LiveKey key) => new KeyItem.Key(
        key.Key.Id, key.Key.Class, key.Key.Subject, key.Key.CreateTime, key.IsOwn, key.Wrapped);

    private async Task TakeAsync(List<KeyItem> items, CancellationToken cancellationToken)
    {
        foreach (var item in items)
        {
            switch (item)
            {
                case KeyItem.Key key:
                    DataKey plain = new(key.Id, key.Class, key.Subject, default) { CreateTime = key.CreateTime };
                    var secret = await provider.UnwrapAsync(key.Wrapped, ContextOf(plain), cancellationToken)
                        ?? throw new InvalidDataException($"key {key.Id.Value} was wrapped in epoch "
                            + $"{key.Wrapped.Epoch.Value}, which is gone or another");
                    // One of nobody's is used by one run of the process only: so a count in memory bounds its uses.
                    _table.Add(new LiveKey(plain with { Key = secret }, secret, key.IsOwn, key.Wrapped),
                        key.IsOwn && key.Subject is not null);
                    break;
                case KeyItem.Erased { Subject: { } subject } erased:
                    _table.SetErased(subject, erased.OrderTime, erased.Ids);
                    break;
                case KeyItem.Erased alone:
                    _table.Destroy(alone.Ids);
                    break;
                case KeyItem.Unrotated unrotated:
                    UnrotatedSince = unrotated.Since;
                    break;
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The key store ended in {Bytes} bytes of a write that a crash cut; dropped.")]
    private partial void LogTorn(int bytes);
}
