using Microsoft.Extensions.Options;

namespace Lepton.Identity.Passwords;

/// <summary>
/// Hashes passwords, few at a time and with few waiting: one hash takes 19 MiB or more, so that a flood of log-ins
/// would else take all memory.
/// </summary>
internal sealed class PasswordHasher : IDisposable
{
    private readonly PasswordOptions _options;
    private readonly IdentityMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _places;
    private readonly PasswordHash _nobodys;
    private int _present;

    public PasswordHasher(IOptions<IdentityOptions> options, IdentityMetrics metrics, TimeProvider time)
    {
        (_options, _metrics, _time) = (options.Value.Password, metrics, time);
        _places = new SemaphoreSlim(_options.HashesMax);
        _nobodys = PasswordHash.Nobodys(_options);
    }

    /// <summary>
    /// Is it this hash's password? Null for a hash: nobody's, which is never, in the same time. Null: too many wait.
    /// </summary>
    public async Task<bool?> MatchesAsync(PasswordHash? hash, string password, CancellationToken cancellationToken) =>
        await RunAsync(() => (hash ?? _nobodys).Matches(password), cancellationToken) is (true, var matches)
            ? matches && hash is not null
            : null;

    /// <summary>Hashes by today's options. Null: too many wait.</summary>
    public async Task<PasswordHash?> HashAsync(string password, CancellationToken cancellationToken) =>
        await RunAsync(() => PasswordHash.Create(password, _options), cancellationToken) is (true, var hash)
            ? hash
            : null;

    public void Dispose() => _places.Dispose();

    private async Task<(bool Done, T? Result)> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _present) > _options.HashesMax + _options.WaitersMax)
        {
            Interlocked.Decrement(ref _present);
            return (false, default);
        }
        try
        {
            await _places.WaitAsync(cancellationToken);
            try
            {
                var start = _time.GetTimestamp();
                var result = await Task.Run(work, cancellationToken);
                _metrics.HashDuration.Record(_time.GetElapsedTime(start).TotalSeconds);
                return (true, result);
            }
            finally
            {
                _places.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _present);
        }
    }
}
