using System.Collections.Concurrent;
using System.IO.Hashing;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>
/// Records read lately, in clear (S8). An entry says when it was read; who asks says how old it may be. What is
/// written through this node, and whose key is destroyed, is forgotten at once. Bounded; the oldest goes first.
/// </summary>
internal sealed class ReadCache
{
    private readonly HomeOptions _options;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<CacheKey, CachedRecord> _entries = new();
    private readonly ConcurrentDictionary<RowKey, CacheKey> _byRow = new();
    private readonly ConcurrentQueue<(CacheKey Key, CachedRecord Entry)> _order = new();
    private long _bytes;
    private long _hits;
    private long _misses;

    /// <summary>Counts up whenever anything is forgotten: what was read before may be old by then.</summary>
    private long _forgotten;

    public ReadCache(IOptions<HomeOptions> options, TimeProvider time, IDataKeys keys)
    {
        (_options, _time) = (options.Value, time);
        keys.Destroyed += Forget;
    }

    /// <summary>To be taken before the reading whose result is kept.</summary>
    public long Mark => Interlocked.Read(ref _forgotten);

    public int Count => _entries.Count;

    /// <summary>Finds that found one, and that did not, since the start.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    /// <inheritdoc cref="Hits" />
    public long Misses => Interlocked.Read(ref _misses);

    /// <summary>An entry no older than <paramref name="maxAge"/>; null: none.</summary>
    public CachedRecord? Find(ClassId recordClass, string tenant, string key, TimeSpan maxAge)
    {
        if (_entries.TryGetValue(new CacheKey(recordClass, tenant, key), out var entry)
            && _time.GetElapsedTime(entry.ReadAt) <= maxAge)
        {
            Interlocked.Increment(ref _hits);
            return entry;
        }
        Interlocked.Increment(ref _misses);
        return null;
    }

    /// <summary>Keeps what was read, unless something was forgotten since the mark.</summary>
    public void Keep(RecordAddress address, CachedRecord record, long mark)
    {
        if (_options.CacheEntriesMax == 0 || mark != Mark)
            return;
        CacheKey key = new(address.Class.Id, address.Tenant, address.Key);
        Drop(key);
        _entries[key] = record;
        _byRow[new RowKey(address.Class.Id, address.StoredKey)] = key;
        Interlocked.Add(ref _bytes, record.Size);
        _order.Enqueue((key, record));
        if (mark != Mark)
            Drop(key);
        while ((_order.Count > _options.CacheEntriesMax || Interlocked.Read(ref _bytes) > _options.CacheBytesMax)
            && _order.TryDequeue(out var oldest))
            if (_entries.TryGetValue(oldest.Key, out var entry) && ReferenceEquals(entry, oldest.Entry))
                Drop(oldest.Key);
    }

    /// <summary>A row was written or applied here.</summary>
    public void Forget(ClassId recordClass, ReadOnlyMemory<byte> storedKey)
    {
        Interlocked.Increment(ref _forgotten);
        if (_byRow.TryRemove(new RowKey(recordClass, storedKey), out var key))
            Drop(key);
    }

    /// <summary>Keys were destroyed: what they had sealed goes.</summary>
    public void Forget(IReadOnlyList<KeyId> keyIds)
    {
        Interlocked.Increment(ref _forgotten);
        foreach (var (key, entry) in _entries)
            if (keyIds.Contains(entry.KeyId))
                Drop(key);
    }

    private void Drop(CacheKey key)
    {
        if (!_entries.TryRemove(key, out var entry))
            return;
        _byRow.TryRemove(new RowKey(key.Class, entry.StoredKey), out _);
        Interlocked.Add(ref _bytes, -entry.Size);
    }

    private readonly record struct CacheKey(ClassId Class, string Tenant, string Key);

    private readonly record struct RowKey(ClassId Class, ReadOnlyMemory<byte> Key)
    {
        public bool Equals(RowKey other) => Class == other.Class && Key.Span.SequenceEqual(other.Key.Span);

        public override int GetHashCode() => HashCode.Combine(Class, XxHash3.HashToUInt64(Key.Span));
    }
}

/// <param name="Value">In clear.</param>
/// <param name="Version">Its version.</param>
/// <param name="KeyId">What it was sealed with.</param>
/// <param name="StoredKey">Its key as stored.</param>
/// <param name="ReadAt">When it was true, by the injected clock's timestamp.</param>
internal sealed record CachedRecord(
    ReadOnlyMemory<byte> Value, RecordVersion Version, KeyId KeyId, ReadOnlyMemory<byte> StoredKey, long ReadAt)
{
    /// <summary>About what it takes, in bytes.</summary>
    public int Size => Value.Length + StoredKey.Length + 200;
}
