using System.Collections.Concurrent;
using System.Security.Cryptography;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Sealing;

/// <summary>
/// Ciphers ready for use by key: making one costs twice as much as sealing a record. Two generations: what was not used
/// while as many others were is dropped. A destroyed key's are dropped before its destruction returns.
/// </summary>
internal sealed class CipherCache : IDisposable
{
    public const int TagBytes = 16;
    private static readonly int IdleMax = Math.Clamp(Environment.ProcessorCount, 2, 16);

    private readonly IDataKeys _keys;
    private readonly int _generationMax;
    private readonly Lock _turning = new();
    private ConcurrentDictionary<KeyId, CipherSet> _young = new(), _old = new();

    public CipherCache(IDataKeys keys, IOptions<SealingOptions> options)
    {
        (_keys, _generationMax) = (keys, options.Value.CiphersMax / 2);
        keys.Destroyed += Drop;
    }

    /// <summary>How many keys have ciphers here.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>A cipher of a key, for one use; to be disposed of. Live: it is there.</summary>
    public KeyState Rent(KeyId id, out CipherLease lease)
    {
        lease = default;
        var set = Find(id);
        if (set?.Take() is { } idle)
        {
            lease = new CipherLease(set, idle);
            return KeyState.Live;
        }
        var (state, key) = _keys.Find(id);
        if (state != KeyState.Live || key is null)
            return state;
        AesGcm cipher = new(key.Key.Span, TagBytes);
        set ??= Add(id);
        // Destroying says so first, zeroes then, and drops last: still live means that the bytes were whole when they
        // were read, and that what was put into the cache will be dropped.
        state = _keys.Find(id).State;
        if (state != KeyState.Live)
        {
            cipher.Dispose();
            Drop([id]);
            return state;
        }
        lease = new CipherLease(set, cipher);
        return KeyState.Live;
    }

    /// <summary>Forgets the ciphers of these keys; one in use is disposed of after it.</summary>
    public void Drop(IReadOnlyList<KeyId> ids)
    {
        lock (_turning)
        {
            foreach (var id in ids)
            {
                if (_young.TryRemove(id, out var young))
                    young.Close();
                if (_old.TryRemove(id, out var old))
                    old.Close();
            }
        }
    }

    public void Dispose()
    {
        _keys.Destroyed -= Drop;
        lock (_turning)
        {
            foreach (var set in _young.Values.Concat(_old.Values))
                set.Close();
            _young.Clear();
            _old.Clear();
        }
    }

    private CipherSet? Find(KeyId id)
    {
        if (_young.TryGetValue(id, out var set))
            return set;
        return _old.ContainsKey(id) ? Add(id) : null;
    }

    private CipherSet Add(KeyId id)
    {
        lock (_turning)
        {
            if (_young.TryGetValue(id, out var set))
                return set;
            if (_young.Count >= _generationMax)
            {
                foreach (var unused in _old.Values)
                    unused.Close();
                (_old, _young) = (_young, new ConcurrentDictionary<KeyId, CipherSet>());
            }
            if (!_old.TryRemove(id, out set))
                set = new CipherSet();
            _young[id] = set;
            return set;
        }
    }

    /// <summary>The idle ciphers of one key.</summary>
    internal sealed class CipherSet
    {
        private readonly IdlePool<AesGcm> _idle = new(IdleMax);
        private volatile bool _isClosed;

        public AesGcm? Take() => _isClosed ? null : _idle.Take();

        public void Give(AesGcm cipher)
        {
            _idle.Give(cipher);
            if (_isClosed)
                _idle.Drain();
        }

        public void Close()
        {
            _isClosed = true;
            _idle.Drain();
        }
    }
}

/// <summary>A cipher in use by its holder alone.</summary>
internal readonly struct CipherLease(CipherCache.CipherSet set, AesGcm cipher) : IDisposable
{
    public AesGcm Cipher => cipher;

    public void Dispose() => set.Give(cipher);
}
