namespace Lepton.ServiceDefaults;

/// <summary>What a tenant may ask for, and how much of it, in each region.</summary>
public sealed record TenantTerms
{
    private const int RateMax = 1_000_000, ConcurrentMax = 100_000;

    /// <summary>What a tenant without an entry has.</summary>
    public static TenantTerms Default { get; } = new();

    /// <summary>Priorities its requests may have: <c>realtime</c>, <c>batch</c>. Default: both.</summary>
    public IReadOnlyList<string> Priorities { get; init; } = ["realtime", "batch"];

    /// <summary>Strategies its requests may name; <c>*</c>: each. Default: each.</summary>
    public IReadOnlyList<string> Strategies { get; init; } = ["*"];

    /// <summary>Keys of tags its requests may carry; <c>*</c>: any. Default: any.</summary>
    public IReadOnlyList<string> Tags { get; init; } = ["*"];

    /// <summary>Requests a second in one region, over all its routers; 0: no limit. Default 0.</summary>
    public int RequestsPerSecond { get; init; }

    /// <summary>Requests that may come at once when nothing came before. Default: one second's.</summary>
    public int Burst { get; init; }

    /// <summary>Requests under way in one region at a time, over all its routers; 0: no limit. Default 0.</summary>
    public int ConcurrentRequests { get; init; }

    /// <summary>May its requests have this priority?</summary>
    public bool AllowsPriority(string priority) => Priorities.Contains(priority);

    /// <summary>May its requests name this strategy?</summary>
    public bool AllowsStrategy(string strategy) => Strategies.Contains("*") || Strategies.Contains(strategy);

    /// <summary>May its requests carry a tag of this key?</summary>
    public bool AllowsTag(string key) => Tags.Contains("*") || Tags.Contains(key);

    internal void Check(string at)
    {
        if (Priorities.Any(p => p is not ("realtime" or "batch")))
            throw new AccessFileException($"{at}.priorities takes realtime and batch.");
        if (RequestsPerSecond is < 0 or > RateMax)
            throw new AccessFileException($"{at}.requestsPerSecond takes 0 to {RateMax}.");
        if (Burst is < 0 or > RateMax || (Burst > 0 && RequestsPerSecond == 0))
            throw new AccessFileException($"{at}.burst takes 0 to {RateMax}, and a requestsPerSecond beside it.");
        if (ConcurrentRequests is < 0 or > ConcurrentMax)
            throw new AccessFileException($"{at}.concurrentRequests takes 0 to {ConcurrentMax}.");
    }
}
