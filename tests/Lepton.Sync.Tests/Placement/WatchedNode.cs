using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Placement;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Placement;

/// <summary>A node's watch over a real store and a real file, and a store that can be made silent.</summary>
internal sealed class WatchedNode : IDisposable
{
    public static readonly string[] Everywhere = ["us-east-a", "us-east-b", "eu-west-a", "eu-west-b"];

    private readonly ServiceProvider _services;
    private readonly PostgresTopologyStore _real;
    private readonly PlacementOptions _options = new();
    private readonly LifetimeWatch _lifetime = new();
    private readonly MeterListener _listener = new();

    public WatchedNode(
        string database, string folder, string self = "us-east-a", string[]? nodes = null, string? classes = null,
        string? policy = null, ControlRecord<ResidencyPolicy>? policies = null)
    {
        string keyFile = Path.Combine(folder, "key");
        if (!File.Exists(keyFile))
            File.WriteAllText(keyFile, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        _options.KeyFile = keyFile;
        _options.Topology.Database = database;
        _options.Topology.File = KeptFile = Path.Combine(folder, self);
        _options.Topology.TimeMax = TimeSpan.FromSeconds(30);
        _options.Topology.Interval = TimeSpan.FromMilliseconds(100);
        _options.Topology.StartTimeMax = TimeSpan.Zero;
        foreach (var node in Worlds.Nodes(nodes ?? Everywhere))
            _options.Nodes.Add(new NodeOptions { Region = node.Region, Zone = node.Zone, Url = "https://x" });
        var options = Options.Create(_options);
        SyncNode me = Worlds.Nodes(self)[0];
        var service = Options.Create(new ServiceOptions { Region = me.Region, Zone = me.Zone });

        _services = new ServiceCollection().AddMetrics().AddSingleton<PlacementMetrics>().BuildServiceProvider();
        var metrics = _services.GetRequiredService<PlacementMetrics>();
        var factory = _services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == factory)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>(
            (instrument, value, tags, _) => Count(instrument, (long)value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Count(instrument, value, tags));
        _listener.Start();

        _real = new PostgresTopologyStore(options, TimeProvider.System, NullLoggerFactory.Instance);
        Store = new FaultyStore(_real);
        ClassDefinitions definitions = new(
            Encoding.UTF8.GetBytes(classes ?? File.ReadAllText(MetricList.RepositoryFile("deploy/records.json"))),
            policy is null ? PolicyBundle.Load(MetricList.RepositoryFile("deploy/residency.json"))
                : Encoding.UTF8.GetBytes(policy));
        Watch = new TopologyWatch(
            Store, new KeptTopology(new TopologyFile(options, new FileSnapshotKey(options)), metrics,
                NullLogger<KeptTopology>.Instance),
            new TopologyPlanner(definitions, new MinimumMovePlacement()), options, service, Time, metrics, _lifetime,
            NullLogger<TopologyWatch>.Instance, policies);
        Ready = new TopologyReady(Watch, options);
    }

    public TopologyWatch Watch { get; }

    public FaultyStore Store { get; }

    public TopologyReady Ready { get; }

    public MovableTime Time { get; } = new(new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero));

    public string KeptFile { get; }

    public bool IsStopping => _lifetime.IsStopping;

    /// <summary>Sums of counters and last values of gauges, by name and tags.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, long> Metrics { get; } = new();

    public Task StartAsync() => Watch.StartAsync(default);

    public Task<HealthCheckResult> HealthAsync() => Ready.CheckHealthAsync(new HealthCheckContext());

    public void Observe() => _listener.RecordObservableInstruments();

    public void Dispose()
    {
        _listener.Dispose();
        Watch.Dispose();
        _real.Dispose();
        _services.Dispose();
    }

    private void Count(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string key = instrument.Name;
        foreach (var tag in tags)
            key += $" {tag.Value}";
        if (instrument.IsObservable)
            Metrics[key] = value;
        else
            Metrics.AddOrUpdate(key, value, (_, sum) => sum + value);
    }

    /// <summary>The real store, or silence.</summary>
    internal sealed class FaultyStore(ITopologyStore real) : ITopologyStore
    {
        public bool IsSilent { get; set; }

        public int Reads { get; private set; }

        /// <summary>A read waits for it.</summary>
        public Task Gate { get; set; } = Task.CompletedTask;

        public string Kind => real.Kind;

        public async Task<Topology?> ReadAsync(CancellationToken cancellationToken)
        {
            Reads++;
            await Gate.WaitAsync(cancellationToken);
            Listen();
            return await real.ReadAsync(cancellationToken);
        }

        public Task<bool> TryReplaceAsync(Topology next, CancellationToken cancellationToken)
        {
            Listen();
            return real.TryReplaceAsync(next, cancellationToken);
        }

        private void Listen()
        {
            if (IsSilent)
                throw new TopologyUnavailableException("cut", new IOException("cut"));
        }
    }

    private sealed class LifetimeWatch : IHostApplicationLifetime
    {
        public bool IsStopping { get; private set; }

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => IsStopping = true;
    }
}
