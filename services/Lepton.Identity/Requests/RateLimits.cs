using Microsoft.Extensions.Options;

namespace Lepton.Identity.Requests;

/// <summary>
/// Token buckets in memory, for each instance by itself. What must hold over all instances, the lock-out of an account
/// and the tries of a device code, is in the database.
/// </summary>
internal sealed class RateLimits(IOptions<IdentityOptions> options, TimeProvider time)
{
    private readonly RateOptions _options = options.Value.Rate;
    private readonly Lock _counting = new();
    private readonly Dictionary<(char Kind, string Name), Bucket> _buckets = [];

    /// <summary>Null: go on. Else how long to wait.</summary>
    public TimeSpan? Address(string address) => Take(('a', address), _options.AddressPerMinute);

    /// <inheritdoc cref="Address" />
    public TimeSpan? Client(string client) => Take(('c', client), _options.ClientPerMinute);

    /// <inheritdoc cref="Address" />
    public TimeSpan? LogIn(string address) => Take(('l', address), _options.LogInPerMinute);

    private TimeSpan? Take((char, string) who, int perMinute)
    {
        var now = time.GetTimestamp();
        lock (_counting)
        {
            if (!_buckets.TryGetValue(who, out var bucket))
            {
                MakeRoom(now);
                bucket = new Bucket(perMinute, now, perMinute);
            }
            var gained = time.GetElapsedTime(bucket.At, now).TotalMinutes * perMinute;
            var level = Math.Min(perMinute, bucket.Level + gained);
            if (level < 1)
            {
                _buckets[who] = new Bucket(level, now, perMinute);
                return TimeSpan.FromMinutes((1 - level) / perMinute);
            }
            _buckets[who] = new Bucket(level - 1, now, perMinute);
            return null;
        }
    }

    // Full buckets say nothing and go first. When none is, everyone begins anew: a flood from that many addresses is
    // not stopped by counting addresses, and looking through them for each request would only help it.
    private void MakeRoom(long now)
    {
        if (_buckets.Count < _options.CountedMax)
            return;
        foreach (var (who, bucket) in _buckets.ToList())
        {
            if (bucket.Level + time.GetElapsedTime(bucket.At, now).TotalMinutes * bucket.PerMinute >= bucket.PerMinute)
                _buckets.Remove(who);
        }
        if (_buckets.Count > _options.CountedMax / 2)
            _buckets.Clear();
    }

    private readonly record struct Bucket(double Level, long At, int PerMinute);
}
