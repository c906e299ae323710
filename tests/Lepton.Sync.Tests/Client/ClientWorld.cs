using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Client;

/// <summary>A process's client over fake nodes, with real certificates and files.</summary>
internal sealed class ClientWorld : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _counts = [];

    public ClientWorld(int nodes = 2)
    {
        Nodes = new FakeNodes(nodes);
        Options = new SyncClientOptions
        {
            SnapshotFile = Path.Combine(Installation.Directory, "control", "snapshot.json"),
            RetryFirst = TimeSpan.FromMilliseconds(1), RetryMax = TimeSpan.FromMilliseconds(10),
            CheckInterval = TimeSpan.FromMilliseconds(100), TimeMax = TimeSpan.FromSeconds(30),
            CallTimeMax = TimeSpan.FromSeconds(30), FailedTime = TimeSpan.FromSeconds(30),
        };
        for (int i = 0; i < nodes; i++)
            Options.Nodes.Add(new SyncClientOptions.NodeOptions { Url = $"https://node-{i}:1" });
        // Not asked for within: other tests' instruments are told too, also after this world has ended.
        IMeterFactory meters = _services.GetRequiredService<IMeterFactory>();
        Metrics = new ControlMetrics(meters);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            string name = instrument.Name;
            foreach (KeyValuePair<string, object?> tag in tags)
                name += $" {tag.Value}";
            lock (_counts)
                _counts[name] = _counts.GetValueOrDefault(name) + value;
        });
        _listener.Start();
    }

    public MovableTime Time { get; } = new(DateTimeOffset.UtcNow);

    public TestInstallation Installation { get; } = new() { Life = TimeSpan.FromDays(300) };

    public FakeNodes Nodes { get; }

    public SyncClientOptions Options { get; }

    public ControlMetrics Metrics { get; }

    public IOptions<SyncClientOptions> Settings => Microsoft.Extensions.Options.Options.Create(Options);

    public GlobalRecords Records(TimeProvider? time = null) => new(Nodes, Calls(time), prefix => Feed(prefix, time));

    public NodeCalls Calls(TimeProvider? time = null) =>
        new(Nodes, Settings, Metrics, time ?? TimeProvider.System, new Random(7));

    public RecordFeed Feed(string prefix, TimeProvider? time = null) =>
        new(prefix, Nodes, Calls(time), Settings, Metrics, time ?? TimeProvider.System);

    /// <summary>As many as were counted: <c>NAME LABEL LABEL</c>.</summary>
    public long Counted(string what)
    {
        lock (_counts)
            return _counts.GetValueOrDefault(what);
    }

    /// <summary>A process's control data, begun from the disk.</summary>
    public ControlState Start(params ControlTarget[] targets) => new(
        targets, Material(), Settings, Metrics, Time, NullLogger<ControlState>.Instance);

    public ControlFollower Follow(ControlState state) => new(
        state, prefix => Feed(prefix), Settings, TimeProvider.System, NullLogger<ControlFollower>.Instance);

    public ReadOnlyMemory<byte> Sign(
        string key, long version, string content, string? usage = null, TimeSpan? age = null, TimeSpan? life = null)
    {
        (string certificate, string privateKey) = Installation.Issue(
            "signer", "spiffe://lepton.local/access", [usage ?? SignedContent.KeyUsage], age, life);
        using var signer = X509Certificate2.CreateFromPemFile(certificate, privateKey);
        return SignedContent.Sign(key, version, Encoding.UTF8.GetBytes(content), signer, Time.GetUtcNow()).Jws;
    }

    public TlsMaterial Material()
    {
        (string certificate, string key) = Installation.Service("eu-west", "routing");
        return new TlsMaterial(Microsoft.Extensions.Options.Options.Create(new TlsOptions
        {
            CertificateFile = certificate, KeyFile = key, AuthorityFile = Installation.AuthorityFile,
        }), Time, NullLogger<TlsMaterial>.Instance);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _services.Dispose();
        Installation.Dispose();
    }
}

/// <summary>A value with a version, in the form VERSION:TEXT; anything else is refused.</summary>
internal sealed record TestValue(long Version, string Text)
{
    public static ControlRecord<TestValue> Record(long seed = 1, string key = "control/test") => new(
        key, new TestValue(seed, "seed"), v => v.Version, (_, content) => Read(Encoding.UTF8.GetString(content.Span)));

    private static TestValue Read(string content) => content.Split(':') is [var version, var text]
        && long.TryParse(version, out long number)
            ? new TestValue(number, text)
            : throw new ControlContentException("takes VERSION:TEXT.");
}
