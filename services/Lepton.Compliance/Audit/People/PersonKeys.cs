using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.People;

/// <summary>Persons' keys cannot be kept: the disk, or as many as there may be.</summary>
internal sealed class KeyStoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The keys that this service holds: of its own log's persons, and of the logs that it has copies of. In memory and in
/// a file outside the database, whose write-ahead log and backups would keep what was erased. Safe for concurrent use.
/// </summary>
internal sealed class PersonKeys : IDisposable
{
    private readonly KeyFile _file;
    private readonly byte[] _indexKey;
    private readonly LogName _log;
    private readonly int _keysMax;
    private readonly Lock _writing = new();
    private readonly ConcurrentDictionary<PersonHandle, PersonKey> _own = new();
    private readonly ConcurrentDictionary<Guid, PersonKey> _all = new();
    private readonly ConcurrentDictionary<PersonHandle, List<PersonKey>> _ofPerson = new();
    private readonly HashSet<Guid> _destroyed = [];

    public PersonKeys(LogName log, IOptions<AuditOptions> options)
    {
        (_log, _keysMax) = (log, options.Value.KeysMax);
        _file = new KeyFile(Path.Combine(options.Value.DataDirectory, "keys"),
            SecretFolder.ReadKey(options.Value.SecretFile, "Compliance:Audit:SecretFile"));
        _indexKey = HKDF.DeriveKey(HashAlgorithmName.SHA256,
            SecretFolder.ReadKey(options.Value.IndexKeyFile, "Compliance:Audit:IndexKeyFile"), 32,
            info: "lepton/audit/person/v1"u8.ToArray());
        foreach (var item in _file.Load())
        {
            if (item.Key is { } key)
                Keep(key);
            else
                _destroyed.Add(item.Id);
        }
    }

    /// <summary>How many keys are here.</summary>
    public int Count => _all.Count;

    /// <summary>What a person's keys are found by, here and at every other service of the installation.</summary>
    public PersonHandle HandleOf(string tenant, string name)
    {
        var text = Encoding.UTF8.GetBytes($"{tenant}\0{name}");
        return PersonHandle.Of(HMACSHA256.HashData(_indexKey, text));
    }

    /// <summary>The keys for this service's own log; those that are new are on disk when it returns.</summary>
    /// <exception cref="KeyStoreException">They cannot be kept.</exception>
    public IReadOnlyDictionary<PersonHandle, PersonKey> Ensure(IReadOnlyCollection<PersonHandle> persons)
    {
        Dictionary<PersonHandle, PersonKey> found = [];
        foreach (var person in persons)
            if (_own.TryGetValue(person, out var key) && !key.IsDestroyed)
                found[person] = key;
        PersonHandle[] missing = [.. persons.Where(p => !found.ContainsKey(p)).Distinct()];
        if (missing.Length == 0)
            return found;
        lock (_writing)
        {
            List<PersonKey> made = [];
            foreach (var person in missing)
            {
                if (!_own.TryGetValue(person, out var key) || key.IsDestroyed)
                    made.Add(key = new PersonKey(
                        new Guid(RandomNumberGenerator.GetBytes(PersonKey.IdBytes)), person, _log.Value,
                        RandomNumberGenerator.GetBytes(PersonKey.KeyBytes)));
                found[person] = key;
            }
            Add(made);
        }
        return found;
    }

    /// <summary>Keeps keys of logs that are copied here; on disk when it returns. What was destroyed stays
    /// so.</summary>
    public void Import(IReadOnlyCollection<PersonKey> keys)
    {
        lock (_writing)
            Add([.. keys.Where(k => !_all.ContainsKey(k.Id) && !_destroyed.Contains(k.Id)).DistinctBy(k => k.Id)]);
    }

    /// <summary>A key; null: it is not here, or was destroyed.</summary>
    public PersonKey? Find(Guid id) => _all.GetValueOrDefault(id);

    /// <summary>A person's keys, of every log that is here; their indexes are what searches look for.</summary>
    public IReadOnlyList<PersonKey> Of(PersonHandle person)
    {
        if (!_ofPerson.TryGetValue(person, out var keys))
            return [];
        lock (keys)
            return [.. keys];
    }

    /// <summary>Destroys a person's keys: gone from memory and disk when it returns.</summary>
    /// <param name="person">Whose.</param>
    /// <param name="also">Ids of keys of theirs that others hold: they are refused should they come later.</param>
    /// <returns>The ids of those that were here.</returns>
    public IReadOnlyList<Guid> Destroy(PersonHandle person, IReadOnlyCollection<Guid> also)
    {
        lock (_writing)
        {
            var keys = Of(person).Concat(also.Select(Find).OfType<PersonKey>()).DistinctBy(k => k.Id).ToArray();
            Guid[] others = [.. also.Where(id => !_destroyed.Contains(id) && !_all.ContainsKey(id)).Distinct()];
            if (keys.Length == 0 && others.Length == 0)
                return [];
            HashSet<Guid> gone = [.. keys.Select(k => k.Id)];
            try
            {
                _file.Rewrite([
                    .. _all.Values.Where(k => !gone.Contains(k.Id)).Select(k => new KeyItem(k.Id, k)),
                    .. _destroyed.Concat(gone).Concat(others).Select(id => new KeyItem(id, null)),
                ]);
            }
            catch (IOException e)
            {
                throw new KeyStoreException($"Persons' keys cannot be written: {e.Message}", e);
            }
            _destroyed.UnionWith(gone);
            _destroyed.UnionWith(others);
            foreach (var key in keys)
                Forget(key);
            return [.. gone];
        }
    }

    public void Dispose() => _file.Dispose();

    private void Add(List<PersonKey> keys)
    {
        if (keys.Count == 0)
            return;
        if (_all.Count + keys.Count > _keysMax)
            throw new KeyStoreException($"There are {_all.Count} keys of persons: Compliance:Audit:KeysMax.");
        try
        {
            _file.Append([.. keys.Select(k => new KeyItem(k.Id, k))]);
        }
        catch (IOException e)
        {
            throw new KeyStoreException($"Persons' keys cannot be written: {e.Message}", e);
        }
        foreach (var key in keys)
            Keep(key);
    }

    private void Keep(PersonKey key)
    {
        _all[key.Id] = key;
        if (key.Log == _log.Value)
            _own[key.Handle] = key;
        var keys = _ofPerson.GetOrAdd(key.Handle, _ => []);
        lock (keys)
            keys.Add(key);
    }

    private void Forget(PersonKey key)
    {
        key.Destroy();
        _all.TryRemove(key.Id, out _);
        _own.TryRemove(KeyValuePair.Create(key.Handle, key));
        if (!_ofPerson.TryGetValue(key.Handle, out var keys))
            return;
        lock (keys)
            keys.Remove(key);
    }
}
