using System.Text;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Testing;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Homes;

/// <summary>S8: what is cached is bounded in age and size, and gone when it must be.</summary>
public sealed class ReadCacheTests
{
    private static readonly RecordClass Class =
        new(new ClassId(3), "public", "public", ["eu-west"], 1, 1, null, KeyForm.Clear);

    private readonly MovableTime _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly HomeOptions _options = new();

    [Fact]
    public void Find_OlderThanAsked_IsNotFound()
    {
        ReadCache cache = Cache();
        Keep(cache, "a", "1");
        _time.Advance(TimeSpan.FromSeconds(4));

        Assert.NotNull(cache.Find(Class.Id, "demo", "a", TimeSpan.FromSeconds(4)));
        Assert.Null(cache.Find(Class.Id, "demo", "a", TimeSpan.FromSeconds(3)));
        Assert.Null(cache.Find(Class.Id, "other", "a", TimeSpan.FromMinutes(5)));
        Assert.Null(cache.Find(new ClassId(4), "demo", "a", TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Forget_ARowThatWasWritten_IsGone()
    {
        ReadCache cache = Cache();
        Keep(cache, "a", "1");
        Keep(cache, "b", "2");

        cache.Forget(Class.Id, Stored("a"));

        Assert.Null(cache.Find(Class.Id, "demo", "a", TimeSpan.FromMinutes(5)));
        Assert.NotNull(cache.Find(Class.Id, "demo", "b", TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Keep_WhatWasReadBeforeAWrite_IsNotKept()
    {
        ReadCache cache = Cache();
        long mark = cache.Mark;
        cache.Forget(Class.Id, Stored("a"));

        Keep(cache, "a", "old", mark);

        Assert.Null(cache.Find(Class.Id, "demo", "a", TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Forget_DestroyedKeys_TakesWhatTheySealed()
    {
        NoKeys keys = new();
        ReadCache cache = new(Options.Create(_options), _time, keys);
        KeyId erased = new(Guid.NewGuid());
        Keep(cache, "a", "1", keyId: erased);
        Keep(cache, "b", "2", keyId: new KeyId(Guid.NewGuid()));

        keys.Destroy(erased);

        Assert.Null(cache.Find(Class.Id, "demo", "a", TimeSpan.FromMinutes(5)));
        Assert.NotNull(cache.Find(Class.Id, "demo", "b", TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Keep_MoreThanItHolds_DropsTheOldest()
    {
        _options.CacheEntriesMax = 3;
        ReadCache cache = Cache();
        foreach (string key in (string[])["a", "b", "c", "d", "e"])
            Keep(cache, key, key);

        Assert.Equal(3, cache.Count);
        Assert.Null(cache.Find(Class.Id, "demo", "a", TimeSpan.FromMinutes(5)));
        Assert.NotNull(cache.Find(Class.Id, "demo", "e", TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Keep_MoreBytesThanItHolds_DropsTheOldest()
    {
        _options.CacheBytesMax = 1 << 20;
        ReadCache cache = Cache();
        for (int i = 0; i < 5; i++)
            Keep(cache, $"{i}", new string('x', 400_000));

        Assert.Equal(2, cache.Count);
    }

    [Fact]
    public void Keep_TheSameKeyAgain_CountsOnce()
    {
        ReadCache cache = Cache();
        for (int i = 0; i < 1000; i++)
            Keep(cache, "a", $"{i}");

        Assert.Equal(1, cache.Count);
        Assert.Equal("999", Encoding.UTF8.GetString(
            cache.Find(Class.Id, "demo", "a", TimeSpan.FromMinutes(5))!.Value.Span));
    }

    private ReadCache Cache() => new(Options.Create(_options), _time, new NoKeys());

    private void Keep(ReadCache cache, string key, string value, long? mark = null, KeyId? keyId = null) => cache.Keep(
        new RecordAddress(Class, "demo", key, Stored(key), KeyHash.SlotOf(Stored(key))),
        new CachedRecord(Encoding.UTF8.GetBytes(value), new RecordVersion(1, 1), keyId ?? new KeyId(Guid.NewGuid()),
            Stored(key), _time.GetTimestamp()),
        mark ?? cache.Mark);

    private static byte[] Stored(string key) => Encoding.UTF8.GetBytes($"demo/{key}");

    private sealed class NoKeys : IDataKeys
    {
        public event Action<IReadOnlyList<KeyId>>? Destroyed;

        public void Destroy(KeyId id) => Destroyed?.Invoke([id]);

        public ValueTask<DataKey> ForWriteAsync(
            ClassId recordClass, string tenant, string? subject, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public DataKeyLookup Find(KeyId id) => default;

        public Task AddAsync(IReadOnlyList<DataKey> keys, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task MarkErasedAsync(IReadOnlyList<KeyId> ids, CancellationToken cancellationToken) =>
            Task.CompletedTask;

        public Task<IReadOnlyList<KeyId>> EraseAsync(
            SubjectDigest subject, DateTimeOffset orderTime, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public IReadOnlyList<KeyId> OfSubject(SubjectDigest subject) => [];
    }
}
