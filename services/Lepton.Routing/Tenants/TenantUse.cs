using Lepton.ServiceDefaults;

namespace Lepton.Routing.Tenants;

/// <summary>Which term is spent, and when there is room again.</summary>
internal readonly record struct QuotaRefusal(string Term, TimeSpan RetryAfter);

/// <summary>
/// One tenant's use in this region: a token bucket that fills with the tenant's rate and is drawn on by this router's
/// requests at once and by its siblings' when they tell of them; and what is under way at each.
/// </summary>
internal sealed class TenantUse(TimeProvider time)
{
    // What siblings tell can overdraw the bucket. More than a second's worth is forgiven: a router that was cut off
    // from the others must not refuse for minutes when it hears from them again.
    private static readonly TimeSpan DebtMax = TimeSpan.FromSeconds(1), FullRetry = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Sibling> _siblings = new(StringComparer.Ordinal);
    private double _tokens = double.NaN; // not filled yet
    private long _filledAt;
    private long _requests;
    private int _underWay;

    /// <summary>Requests admitted here since the start, and those under way.</summary>
    public (long Requests, int UnderWay) Own
    {
        get
        {
            lock (_lock)
                return (_requests, _underWay);
        }
    }

    /// <summary>Admits one request, or says why not. Who was admitted leaves by <see cref="Leave"/>.</summary>
    public QuotaRefusal? Enter(TenantTerms terms, TimeSpan siblingAgeMax)
    {
        lock (_lock)
        {
            if (terms.ConcurrentRequests > 0 && _underWay + SiblingsUnderWay(siblingAgeMax) >= terms.ConcurrentRequests)
                return new QuotaRefusal("concurrentRequests", FullRetry);
            if (Draw(terms) is { } wait)
                return new QuotaRefusal("requestsPerSecond", wait);
            _underWay++;
            return null;
        }
    }

    /// <summary>One more message of a request that was admitted: it counts for the rate.</summary>
    public QuotaRefusal? Message(TenantTerms terms)
    {
        lock (_lock)
            return Draw(terms) is { } wait ? new QuotaRefusal("requestsPerSecond", wait) : null;
    }

    public void Leave()
    {
        lock (_lock)
            _underWay--;
    }

    /// <summary>Takes what a sibling tells of its use.</summary>
    /// <param name="router">Its name.</param>
    /// <param name="run">Differs from start to start; the first word of a run only says where its count begins.</param>
    /// <param name="requests">Admitted there since its start.</param>
    /// <param name="underWay">Under way there.</param>
    public void Take(string router, long run, long requests, int underWay)
    {
        lock (_lock)
        {
            if (_siblings.TryGetValue(router, out Sibling known) && known.Run == run && requests > known.Requests)
                _tokens -= requests - known.Requests;
            _siblings[router] = new Sibling(run, requests, underWay, time.GetTimestamp());
        }
    }

    private TimeSpan? Draw(TenantTerms terms)
    {
        _requests++;
        if (terms.RequestsPerSecond == 0)
            return null;
        double rate = terms.RequestsPerSecond, burst = terms.Burst > 0 ? terms.Burst : rate;
        long now = time.GetTimestamp();
        _tokens = double.IsNaN(_tokens)
            ? burst
            : Math.Min(burst, Math.Max(_tokens, -rate * DebtMax.TotalSeconds)
                + (rate * time.GetElapsedTime(_filledAt, now).TotalSeconds));
        _filledAt = now;
        if (_tokens < 1)
        {
            _requests--;
            return TimeSpan.FromSeconds((1 - _tokens) / rate);
        }
        _tokens--;
        return null;
    }

    private int SiblingsUnderWay(TimeSpan ageMax)
    {
        int sum = 0;
        foreach (Sibling sibling in _siblings.Values)
            if (time.GetElapsedTime(sibling.HeardAt) < ageMax)
                sum += sibling.UnderWay;
        return sum;
    }

    private readonly record struct Sibling(long Run, long Requests, int UnderWay, long HeardAt);
}
