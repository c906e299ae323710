namespace Lepton.Sync.Replication;

/// <summary>Waits between tries: each twice the last, up to a bound, with half of it drawn.</summary>
internal sealed class Retry(TimeSpan max, TimeProvider time, Random random)
{
    private const int FirstShare = 20;

    private TimeSpan _wait = max / FirstShare;

    /// <summary>It worked: the next wait is the first again.</summary>
    public void Reset() => _wait = max / FirstShare;

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        double share;
        lock (random)
            share = 0.5 + (random.NextDouble() / 2);
        var wait = _wait * share;
        _wait = _wait * 2 < max ? _wait * 2 : max;
        await Task.Delay(wait, time, cancellationToken);
    }
}
