namespace Lepton.Sync.Client;

/// <summary>
/// Bounds repetitions over all calls, so that nodes in trouble get little more than the calls themselves: a token a
/// repetition; one comes back each second and with every fifth call that goes well. (As gRPC's retry throttling, A6.)
/// </summary>
internal sealed class RetryBudget(int max, TimeProvider time)
{
    private const double PerSuccess = 0.2, PerSecond = 1;

    private readonly Lock _gate = new();
    private double _tokens = max;
    private long _at = time.GetTimestamp();

    public void Success()
    {
        lock (_gate)
            _tokens = Math.Min(max, _tokens + PerSuccess);
    }

    /// <summary>May one more be made?</summary>
    public bool TryTake()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(max, _tokens + time.GetElapsedTime(_at, now).TotalSeconds * PerSecond);
            _at = now;
            if (_tokens < 1)
                return false;
            _tokens--;
            return true;
        }
    }
}
