using Lepton.Sync.Records;
using Lepton.Sync.Waiting;

namespace Lepton.Sync.Sealing;

/// <summary>Destroying keys, the rotation that makes it final, and the writes.</summary>
internal sealed partial class KeyStore
{
    private const int RewrapChunk = 1000;

    private readonly AsyncGate _rotating = new();

    public async Task<IReadOnlyList<KeyId>> EraseAsync(
        SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            var destroyed = _table.Destroy(OfSubject(subject));
            _table.SetErased(subject, orderTime, destroyed);
            Announce(destroyed);
            // Even where nothing was here: a key that comes later must find the order.
            await RewriteAsync(cancellationToken);
            return _table.TryGetErased(subject, out var erased) ? erased.Ids : destroyed;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            KeyId[] fresh = [.. ids.Where(id => Find(id).State != KeyState.Erased).Distinct()];
            if (fresh.Length == 0 && !_isDirty)
                return;
            var destroyed = _table.Destroy(fresh);
            Announce(destroyed);
            if (destroyed.Count > 0 || _isDirty)
                await RewriteAsync(cancellationToken);
            else
                await AppendAsync([new KeyItem.Erased(null, default, fresh)], cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// A new key-encryption key: every data key is wrapped by it, and all former ones are destroyed. After it no copy
    /// of the file from before opens with any key that there is. Where an earlier try was cut it is brought to its end.
    /// </summary>
    public async Task RotateAsync(CancellationToken cancellationToken)
    {
        await _rotating.WaitAsync(cancellationToken);
        try
        {
            await provider.RotateAsync(cancellationToken);
            await CompleteRotationAsync(cancellationToken);
            metrics.Rotations.Add(1);
        }
        catch (Exception e)
        {
            metrics.Rotations.Add(1, new KeyValuePair<string, object?>("error.type", e.GetType().Name));
            throw;
        }
        finally
        {
            _rotating.Release();
        }
    }

    /// <summary>Rotates if it is due; else destroys what an earlier rotation left. Says whether it rotated.</summary>
    public async Task<bool> RotateIfDueAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var current = provider.Epochs[^1];
        var isDue = UnrotatedSince is { } since
            && now - since >= TimeSpan.FromDays(options.Value.OldEpochDaysMax / 2.0);
        if (isDue || now - current.CreateTime >= TimeSpan.FromDays(options.Value.RotationDays))
        {
            await RotateAsync(cancellationToken);
            return true;
        }
        if (provider.Epochs.Count > 1)
        {
            await _rotating.WaitAsync(cancellationToken);
            try
            {
                await CompleteRotationAsync(cancellationToken);
            }
            finally
            {
                _rotating.Release();
            }
        }
        return false;
    }

    private async Task CompleteRotationAsync(CancellationToken cancellationToken)
    {
        var current = provider.CurrentEpoch;
        // Most are wrapped while others go on; who came meanwhile, under the gate.
        Dictionary<KeyId, WrappedKey> wrapped = [];
        foreach (var key in _table.Live.Where(k => k.Wrapped.Epoch != current))
        {
            if (await RewrapAsync(key, cancellationToken) is { } next)
                wrapped[key.Key.Id] = next;
            if (wrapped.Count % RewrapChunk == 0)
                await Task.Yield();
        }
        await EnterAsync(cancellationToken);
        try
        {
            foreach (var key in _table.Live.Where(k => k.Wrapped.Epoch != current))
                key.Wrapped = wrapped.GetValueOrDefault(key.Key.Id) ?? await RewrapAsync(key, cancellationToken)
                    ?? throw new InvalidOperationException("A key was destroyed while nothing changes.");
            var since = UnrotatedSince;
            UnrotatedSince = null;
            try
            {
                await RewriteAsync(cancellationToken);
            }
            catch
            {
                UnrotatedSince = since;
                throw;
            }
            // Under the gate: no erasure comes between the file and the end of what it could still be opened by.
            foreach (var old in provider.Epochs.Where(e => e.Epoch < current))
                await provider.DestroyAsync(old.Epoch, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    // A key that is destroyed meanwhile is zeroed: what was wrapped of it then is thrown away.
    private async Task<WrappedKey?> RewrapAsync(LiveKey key, CancellationToken cancellationToken)
    {
        var wrapped = await provider.WrapAsync(key.Key.Key, ContextOf(key.Key), cancellationToken);
        return Find(key.Key.Id).State == KeyState.Live ? wrapped : null;
    }

    private void Announce(List<KeyId> destroyed)
    {
        if (destroyed.Count == 0)
            return;
        _isDirty = true; // should the write fail, the next one is whole
        UnrotatedSince ??= time.GetUtcNow();
        metrics.Destroyed.Add(destroyed.Count);
        Destroyed?.Invoke(destroyed);
    }

    private async Task AppendAsync(IReadOnlyList<KeyItem> items, CancellationToken cancellationToken)
    {
        if (_isDirty)
            await RewriteAsync(cancellationToken);
        var start = time.GetTimestamp();
        _isDirty = true;
        await WriteAsync(file.AppendAsync(KeyFrames.Write(items), cancellationToken));
        _isDirty = false;
        Measure("append", start);
    }

    private async Task RewriteAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        _isDirty = true;
        IEnumerable<KeyItem> unrotated = UnrotatedSince is { } since ? [new KeyItem.Unrotated(since)] : [];
        await WriteAsync(file.ReplaceAsync(KeyFrames.Write(
        [
            new KeyItem.Head(_node), .. unrotated, .. _table.ErasedItems(), .. _table.Live.Select(ItemOf),
        ]), cancellationToken));
        _isDirty = false;
        Measure("rewrite", start);
    }

    private static async Task WriteAsync(Task write)
    {
        try
        {
            await write;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KeyStoreUnavailableException(e);
        }
    }

    private void Measure(string kind, long start) => metrics.StoreWrites.Record(
        time.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("kind", kind));
}
