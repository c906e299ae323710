using System.Diagnostics.Metrics;

namespace Lepton.Identity;

/// <summary>The authority's own metrics. Names and meanings are listed in README.md.</summary>
internal sealed class IdentityMetrics
{
    public const string Name = "Lepton.Identity";

    private readonly Meter _meter;

    public IdentityMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        Tokens = _meter.CreateCounter<long>("lepton.identity.tokens", "{token}", "Access tokens issued, by grant.");
        Refusals = _meter.CreateCounter<long>("lepton.identity.refusals", "{request}",
            "Requests refused, by endpoint and error code.");
        LogInFailures = _meter.CreateCounter<long>("lepton.identity.log_in.failures", "{failure}",
            "Wrong passwords, and names that nobody has.");
        LockOuts = _meter.CreateCounter<long>("lepton.identity.lock_outs", "{lock}",
            "Failures that made an account wait.");
        HashDuration = _meter.CreateHistogram<double>("lepton.identity.hash.duration", "s",
            "One password hash, waiting apart.");
        Revocations = _meter.CreateCounter<long>("lepton.identity.revocations", "{revocation}",
            "Revocations written, by kind.");
        Swept = _meter.CreateCounter<long>("lepton.identity.swept", "{row}", "Rows deleted because they were over.");
    }

    public Counter<long> Tokens { get; }

    public Counter<long> Refusals { get; }

    public Counter<long> LogInFailures { get; }

    public Counter<long> LockOuts { get; }

    public Histogram<double> HashDuration { get; }

    public Counter<long> Revocations { get; }

    public Counter<long> Swept { get; }

    /// <summary>Adds the keys' gauge.</summary>
    public void Watch(Keys.SigningKeyRing ring)
    {
        _meter.CreateObservableGauge("lepton.identity.key.age", Ages, "s", "Since the key in use began to sign.");

        IEnumerable<Measurement<double>> Ages()
        {
            if (ring.Age is { } age)
                yield return new Measurement<double>(age.TotalSeconds);
        }
    }

    public void Issued(string grant) => Tokens.Add(1, new KeyValuePair<string, object?>("grant", grant));

    public void Refused(string endpoint, string error) => Refusals.Add(1,
        new KeyValuePair<string, object?>("endpoint", endpoint),
        new KeyValuePair<string, object?>("error.type", error));
}
