using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Compliance.Tests.Audit;

public sealed class AuditOptionsTests
{
    private static readonly OptionsCheck<AuditOptions> Check = new(AuditOptions.Section, AuditOptions.Faults);

    private static AuditOptions Good => new() { SpoolDirectory = "/var/lib/lepton/audit" };

    [Fact]
    public void Validate_Defaults_AreGood() => Assert.True(Check.Validate(null, Good).Succeeded);

    public static TheoryData<Action<AuditOptions>, string> Bad => new()
    {
        { o => o.SpoolDirectory = " ", "Audit:SpoolDirectory takes the path of a folder" },
        { o => o.SpoolBytesMax = 1, "Audit:SpoolBytesMax takes 65536 to" },
        { o => o.SegmentBytesMax = 1, "Audit:SegmentBytesMax takes 4096 to" },
        { o => o.SpoolBytesMax = 4L << 20, "Audit:SegmentBytesMax takes at most a quarter of Audit:SpoolBytesMax" },
        { o => o.Nodes.Add(new() { Url = "http://a" }), "Audit:Nodes:0:Url takes https://HOST:PORT, not 'http://a'" },
        { o => o.Nodes.Add(new() { Url = "" }), "Audit:Nodes:0:Url takes where a compliance service is reached" },
        { o => o.Nodes.Add(new() { Url = "https://a:1", Zone = "A!" }), "Audit:Nodes:0:Zone takes" },
        { o => o.QueueMax = 1, "Audit:QueueMax takes 16 to 1000000" },
        { o => o.RetryMax = TimeSpan.FromMilliseconds(20), "Audit:RetryMax takes Audit:RetryFirst or more" },
        { o => o.WriteTimeMax = TimeSpan.Zero, "Audit:WriteTimeMax takes 100 ms to 1 min" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_BadValue_NamesTheKeyAndWhatItTakes(Action<AuditOptions> change, string says)
    {
        AuditOptions options = Good;
        change(options);
        string faults = string.Join('\n', Check.Validate(null, options).Failures ?? []);
        Assert.Contains(says, faults, StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_AreThoseOfTheReadme()
    {
        using TestMeters meters = new();
        AuditMetrics metrics = new(meters);
        metrics.Observe(() => 0, () => 0, () => TimeSpan.Zero);
        Assert.Equal("", MetricList.Differences(
            [.. MetricList.Listed(MetricList.RepositoryFile("services/Lepton.Compliance.Client/README.md"))
                .Where(r => r.Name.StartsWith("lepton.audit.", StringComparison.Ordinal))],
            MetricList.Live(meter => meter == AuditMetrics.MeterName, PrometheusText.NameOf)));
    }
}
