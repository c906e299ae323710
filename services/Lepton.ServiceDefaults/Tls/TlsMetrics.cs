using System.Diagnostics.Metrics;

namespace Lepton.ServiceDefaults;

/// <summary>How long certificates last, and what became of their renewals. Listed in README.md.</summary>
internal sealed class TlsMetrics
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Lepton.Tls";

    private const string Certificate = "lepton.certificate";

    public TlsMetrics(IMeterFactory meters, TlsMaterial material, CertificateWatch watch)
    {
        var meter = meters.Create(Name);
        meter.CreateObservableGauge("lepton.tls.certificate.time_left", () => material.Followed.Select(f =>
            new Measurement<double>(
            watch.Left(f).TotalSeconds, new KeyValuePair<string, object?>(Certificate, f.Name))), "s",
            "Until a certificate ends; negative when it has.");
        meter.CreateObservableCounter("lepton.tls.renewals", () => material.Followed.SelectMany(Renewals),
            "{renewal}", "Renewed certificates that were taken; those that were not have error_type.");
    }

    private static IEnumerable<Measurement<long>> Renewals(FollowedFiles files) =>
    [
        new(files.Renewed, new KeyValuePair<string, object?>(Certificate, files.Name)),
        new(files.Refused, new(Certificate, files.Name), new("error.type", "RENEWAL_REFUSED")),
    ];
}
