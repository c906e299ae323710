using System.Collections.Concurrent;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>Data keys in memory.</summary>
internal sealed class MemoryKeys : IDataKeys
{
    private readonly ConcurrentDictionary<KeyId, DataKeyLookup> _keys = new();

    public void Put(DataKey key) => _keys[key.Id] = new DataKeyLookup(KeyState.Live, key);

    public DataKeyLookup Find(KeyId id) => _keys.GetValueOrDefault(id);

    public Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken)
    {
        foreach (DataKey key in keys)
            _keys.TryAdd(key.Id, new DataKeyLookup(KeyState.Live, key));
        return Task.CompletedTask;
    }

    public Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken)
    {
        foreach (KeyId id in ids)
            _keys[id] = new DataKeyLookup(KeyState.Erased, null);
        return Task.CompletedTask;
    }

    public ValueTask<DataKey> ForWriteAsync(
        ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public event Action<IReadOnlyList<KeyId>>? Destroyed
    {
        add => throw new NotSupportedException();
        remove => throw new NotSupportedException();
    }

    public Task<IReadOnlyList<KeyId>> EraseAsync(
        SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => throw new NotSupportedException();
}
