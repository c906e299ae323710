using System.Diagnostics.Metrics;
using Lepton.Compliance.Client.Intrusion;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>From a report to metrics; the queue never makes a reporter wait (C6).</summary>
public sealed class DetectorTests : IDisposable
{
    private readonly Dictionary<string, long> _counted = [];
    private readonly MeterListener _listener = new();
    private ServiceProvider? _services;

    public void Dispose()
    {
        _listener.Dispose();
        _services?.Dispose();
    }

    private ServiceProvider Build(Action<IntrusionOptions> configure)
    {
        _services = new ServiceCollection()
            .AddSingleton<Microsoft.Extensions.Configuration.IConfiguration>(
                new Microsoft.Extensions.Configuration.ConfigurationBuilder().Build())
            .AddSingleton<IHostApplicationLifetime>(_ => throw new InvalidOperationException("no host"))
            .AddLogging(l => l.ClearProviders())
            .AddIntrusion(o =>
            {
                o.RulesFile = Path.Combine(AppContext.BaseDirectory, "intrusion.json");
                configure(o);
            })
            .BuildServiceProvider();
        IMeterFactory meters = _services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Lepton.Security" && ReferenceEquals(instrument.Meter.Scope, meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Count(instrument, value, tags));
        _listener.Start();
        return _services;
    }

    private void Count(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string name = instrument.Name["lepton.security.".Length..];
        foreach (KeyValuePair<string, object?> tag in tags)
            name += $" {tag.Value}";
        lock (_counted)
            _counted[name] = instrument.IsObservable ? value : _counted.GetValueOrDefault(name) + value;
    }

    private static SecurityEvent Denied(int i) => new()
    {
        Time = DateTimeOffset.UtcNow, Kind = SecurityEventKind.AuthorisationDenied, Principal = "own/x",
        Permission = $"p{i}",
    };

    [Fact]
    public async Task Report_QueueFull_DropsAndCounts()
    {
        ServiceProvider services = Build(o => o.QueueMax = 16);
        ISecurityEvents events = services.GetRequiredService<ISecurityEvents>();
        SecurityEvent[] many = [.. Enumerable.Range(0, 36).Select(Denied)];
        events.Report(many[0] with { Time = DateTimeOffset.UnixEpoch });
        for (int i = 1; i < 36; i++) // nobody reads yet: all but 16 have no room
            events.Report(many[i]);
        Assert.Equal(20, _counted["events.dropped queue_full"]);

        IntrusionDetector detector = services.GetRequiredService<IntrusionDetector>();
        await detector.StartAsync(CancellationToken.None);
        // Probing is told at events 6 and 12, use while locked at 7, 8, 10 and 14.
        AlertLog log = services.GetRequiredService<AlertLog>();
        while (log.Sequence < 6)
            await log.WaitAsync(log.Sequence, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        await detector.StopAsync(CancellationToken.None);
        _listener.RecordObservableInstruments();

        Assert.Equal(1, _counted["events.dropped time"]);
        Assert.Equal(1, _counted["alerts privilege-probing high"]);
        Assert.Equal(1, _counted["locks privilege-probing"]);
        Assert.Equal(1, _counted["locks.active"]);
        Assert.Equal(1, _counted["entries principals"]);
        Assert.InRange(_counted["events authorisation_denied"], 14, 15);
    }

    [Fact]
    public void Report_RoomInTheQueue_AllocatesNothing()
    {
        ISecurityEvents events = Build(o => o.QueueMax = 4_096).GetRequiredService<ISecurityEvents>();
        SecurityEvent e = Denied(1);
        for (int i = 0; i < 2_100; i++) // the queue's array doubles on its way to 4,096
            events.Report(e);
        long bytes = Lepton.Testing.Allocations.Of(() =>
        {
            for (int i = 0; i < 300; i++)
                events.Report(e);
        });

        Assert.Equal(0, bytes);
        Assert.Empty(_counted);
    }

    [Fact]
    public void Start_BadOption_NamesIt()
    {
        ServiceProvider services = Build(o => (o.RulesFile, o.QueueMax, o.WatchersMax) = ("", 1, 0));

        OptionsValidationException e = Assert.Throws<OptionsValidationException>(
            () => services.GetRequiredService<IOptions<IntrusionOptions>>().Value);

        Assert.Equal(
            "Lepton:Intrusion:RulesFile takes the path of a rules file, e.g. deploy/intrusion.json. | "
            + "Lepton:Intrusion:QueueMax takes 16 to 1000000. | Lepton:Intrusion:WatchersMax takes 1 to 1000.",
            string.Join(" | ", e.Failures));
    }

    [Fact]
    public void Start_BadRules_NamesTheField()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """{ "version": 1, "rules": { "spraying": { "window": 3 } } }""");
            ServiceProvider services = Build(o => o.RulesFile = file);
            Assert.Equal("rules.spraying.window", Assert.Throws<IntrusionRulesException>(
                () => services.GetServices<IHostedService>().ToList()).Field);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Readme_Metrics_AreListed()
    {
        ServiceProvider services = Build(_ => { });
        services.GetRequiredService<IntrusionMetrics>();
        string readme = File.ReadAllText(
            MetricList.RepositoryFile("services/Lepton.Compliance.Client/README.md"));
        using MeterListener all = new();
        List<string> names = [];
        all.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == IntrusionMetrics.Name)
                names.Add(instrument.Name);
        };
        all.Start();

        Assert.Contains("lepton.security.alerts", names);
        Assert.All(names, name => Assert.Contains($"| `{name}` |", readme, StringComparison.Ordinal));
    }
}
