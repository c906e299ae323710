using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Lepton.Sync.Records;

namespace Lepton.Sync.Sealing;

/// <summary>A key in memory.</summary>
/// <param name="key">It, in the bytes of <paramref name="secret"/>.</param>
/// <param name="secret">Pinned, 32 bytes; zeroed when it is destroyed.</param>
/// <param name="isOwn">Made here: what this node seals new records with.</param>
/// <param name="wrapped">As it is on disk.</param>
internal sealed class LiveKey(DataKey key, byte[] secret, bool isOwn, WrappedKey wrapped)
{
    // A random nonce must not repeat under a key: at most 2^32 seals (NIST SP 800-38D, 8.3); half of it here.
    private const long UsesMax = 1L << 31;

    private long _uses;

    public DataKey Key => key;

    public bool IsOwn => isOwn;

    public WrappedKey Wrapped { get; set; } = wrapped;

    /// <summary>Counts a use; false: it was used enough, another one is to be made.</summary>
    public bool TryUse() => Interlocked.Increment(ref _uses) <= UsesMax;

    public void Zero() => CryptographicOperations.ZeroMemory(secret);
}

/// <summary>An erased subject: nothing older than the order is ever taken again.</summary>
internal sealed record ErasedSubject(DateTimeOffset OrderTime, IReadOnlyList<KeyId> Ids);

/// <summary>
/// What a key store knows, in memory. Reading needs no lock; changes are made by one at a time (<see
/// cref="KeyStore"/>).
/// </summary>
internal sealed class KeyTable
{
    private readonly ConcurrentDictionary<KeyId, LiveKey?> _keys = new(); // null: erased
    private readonly ConcurrentDictionary<(ClassId, SubjectDigest?), LiveKey> _writing = new();
    private readonly ConcurrentDictionary<SubjectDigest, KeyId[]> _ofSubject = new();
    private readonly Dictionary<SubjectDigest, ErasedSubject> _erasedSubjects = [];
    private readonly HashSet<KeyId> _erasedAlone = [];
    private int _live;

    public int LiveCount => Volatile.Read(ref _live);

    public int ErasedCount => _keys.Count - LiveCount;

    public IEnumerable<LiveKey> Live => _keys.Values.OfType<LiveKey>();

    public DataKeyLookup Find(KeyId id) => !_keys.TryGetValue(id, out var key)
        ? new DataKeyLookup(KeyState.Unknown, null)
        : key is null ? new DataKeyLookup(KeyState.Erased, null) : new DataKeyLookup(KeyState.Live, key.Key);

    /// <summary>The key for new records; null: there is none, or it was used enough.</summary>
    public DataKey? ForWrite(ClassId recordClass, SubjectDigest? subject) =>
        _writing.TryGetValue((recordClass, subject), out var key) && key.TryUse() ? key.Key : null;

    public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => _ofSubject.GetValueOrDefault(subject, []);

    public bool TryGetErased(SubjectDigest subject, [NotNullWhen(true)] out ErasedSubject? erased) =>
        _erasedSubjects.TryGetValue(subject, out erased);

    /// <param name="key">New here.</param>
    /// <param name="isForWriting">New records are sealed with it from now on.</param>
    public void Add(LiveKey key, bool isForWriting)
    {
        _keys[key.Key.Id] = key;
        Interlocked.Increment(ref _live);
        if (key.Key.Subject is { } subject)
            _ofSubject[subject] = [.. _ofSubject.GetValueOrDefault(subject, []), key.Key.Id];
        if (isForWriting)
            _writing[(key.Key.Class, key.Key.Subject)] = key;
    }

    /// <summary>Destroys keys in memory; what was live of them.</summary>
    public List<KeyId> Destroy(IEnumerable<KeyId> ids)
    {
        List<KeyId> destroyed = [];
        foreach (var id in ids)
        {
            if (!_keys.TryGetValue(id, out var key))
            {
                _keys[id] = null;
                _erasedAlone.Add(id);
            }
            else if (key is not null)
            {
                _keys[id] = null; // before zeroing: whoever finds it live read it whole
                Interlocked.Decrement(ref _live);
                Unlink(key);
                key.Zero();
                _erasedAlone.Add(id);
                destroyed.Add(id);
            }
        }
        return destroyed;
    }

    /// <summary>Remembers an erasure and which keys it was of.</summary>
    public void SetErased(SubjectDigest subject, DateTimeOffset orderTime, IEnumerable<KeyId> ids)
    {
        _erasedSubjects.TryGetValue(subject, out var before);
        KeyId[] all = [.. (before?.Ids ?? []).Union(ids)];
        _erasedSubjects[subject] = new ErasedSubject(
            before is null || orderTime > before.OrderTime ? orderTime : before.OrderTime, all);
        foreach (var id in all)
        {
            _keys[id] = null;
            _erasedAlone.Remove(id);
        }
    }

    /// <summary>What is to be on disk of all that is destroyed.</summary>
    public IEnumerable<KeyItem.Erased> ErasedItems()
    {
        foreach (var (subject, erased) in _erasedSubjects)
            yield return new KeyItem.Erased(subject, erased.OrderTime, erased.Ids);
        if (_erasedAlone.Count > 0)
            yield return new KeyItem.Erased(null, default, [.. _erasedAlone]);
    }

    private void Unlink(LiveKey key)
    {
        var (recordClass, subject) = (key.Key.Class, key.Key.Subject);
        _writing.TryRemove(new KeyValuePair<(ClassId, SubjectDigest?), LiveKey>((recordClass, subject), key));
        if (subject is null)
            return;
        KeyId[] left = [.. OfSubject(subject).Where(id => id != key.Key.Id)];
        if (left.Length == 0)
            _ofSubject.TryRemove(subject, out _);
        else
            _ofSubject[subject] = left;
    }
}
