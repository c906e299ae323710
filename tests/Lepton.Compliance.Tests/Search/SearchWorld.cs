using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using Lepton.Compliance.Audit;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.Search;
using Lepton.Compliance.Tests.Roles;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using AuditMetrics = Lepton.Compliance.Audit.AuditMetrics;
using AuditOptions = Lepton.Compliance.Audit.AuditOptions;

namespace Lepton.Compliance.Tests.Search;

/// <summary>Two zones of eu-west over real PostgreSQL, mutual TLS and real sockets, each with its own log.</summary>
public sealed class SearchWorld : IAsyncLifetime
{
    private const string Access = """
        { "version": 2, "tenants": { "demo": {}, "harbour-bank": {} }, "assignments": [
          { "tenant": "platform", "role": "admin", "regions": ["*"], "allTenants": true },
          { "tenant": "demo", "role": "auditor", "regions": ["*"] },
          { "tenant": "harbour-bank", "role": "audit-officer", "regions": ["*"] }] }
        """;

    private readonly PostgresServer _server = new("compliance");
    private SearchHost? _a, _b;

    internal TestInstallation Installation { get; } = new() { Life = TimeSpan.FromDays(2) };

    internal SearchHost A => _a!;

    internal SearchHost B => _b!;

    public async Task InitializeAsync()
    {
        await _server.InitializeAsync();
        Installation.SignAccess(Access);
        foreach (string name in (string[])["secret.key", "index.key"])
            await File.WriteAllTextAsync(Path.Combine(Installation.Directory, name),
                Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        string[] urls = [FreeAddress.Url(), FreeAddress.Url()];
        _a = await SearchHost.StartAsync(this, "a", urls, await _server.CreateDatabaseAsync());
        _b = await SearchHost.StartAsync(this, "b", urls, await _server.CreateDatabaseAsync());
    }

    public async Task DisposeAsync()
    {
        if (_a is not null)
            await _a.DisposeAsync();
        if (_b is not null)
            await _b.DisposeAsync();
        await _server.DisposeAsync();
        Installation.Dispose();
    }

    /// <summary>A region of one zone; the caller fills its log.</summary>
    internal async Task<SearchHost> AloneAsync() =>
        await SearchHost.StartAsync(this, "a", [FreeAddress.Url()], await _server.CreateDatabaseAsync());

    /// <summary>A zone whose other zone does not answer.</summary>
    internal async Task<SearchHost> LonelyAsync() => await SearchHost.StartAsync(
        this, "a", [FreeAddress.Url(), FreeAddress.Url()], await _server.CreateDatabaseAsync());
}

[CollectionDefinition("search")]
public sealed class SearchCollection : ICollectionFixture<SearchWorld>;

/// <summary>Search in one zone, with a log that the test writes by itself.</summary>
internal sealed class SearchHost : IAsyncDisposable
{
    private readonly SearchWorld _world;
    private readonly WebApplication _app;
    private readonly List<GrpcChannel> _channels = [];

    private SearchHost(SearchWorld world, WebApplication app, LogWriter writer, RecordingLog log) =>
        (_world, _app, Writer, Log) = (world, app, writer, log);

    public LogWriter Writer { get; }

    public RecordingLog Log { get; }

    /// <summary>The clock by which entries are written.</summary>
    public MovableTime Time { get; private init; } = new(default);

    public IServiceProvider Services => _app.Services;

    public string Name => Services.GetRequiredService<LogName>().Value;

    public string Url => _app.Urls.Single();

    public static async Task<SearchHost> StartAsync(SearchWorld world, string zone, string[] urls, string database)
    {
        TestInstallation pki = world.Installation;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Dictionary<string, string?> configuration = pki.Configuration("eu-west", "compliance");
        configuration["Lepton:Zone"] = zone;
        configuration["Lepton:Reflection"] = "true";
        configuration["Compliance:Audit:Database"] = database;
        configuration["Compliance:Audit:DataDirectory"] = Path.Combine(pki.Directory, $"data-{Guid.NewGuid():N}");
        configuration["Compliance:Audit:SecretFile"] = Path.Combine(pki.Directory, "secret.key");
        configuration["Compliance:Audit:IndexKeyFile"] = Path.Combine(pki.Directory, "index.key");
        (configuration["Compliance:Audit:SignerCertificateFile"], configuration["Compliance:Audit:SignerKeyFile"]) =
            pki.Issue("head", "spiffe://lepton.local/region/eu-west/service/compliance", [HeadSignatures.KeyUsage]);
        configuration["Compliance:Search:TimeMax"] = "00:00:30";
        configuration["Compliance:Search:PeerTimeMax"] = "00:00:30";
        configuration["Compliance:Search:ExportPage"] = "100";
        foreach ((string url, int i) in urls.Select((u, i) => (u, i)))
        {
            configuration[$"Compliance:Peers:{i}:Region"] = "eu-west";
            configuration[$"Compliance:Peers:{i}:Zone"] = i == 0 ? "a" : "b";
            configuration[$"Compliance:Peers:{i}:Url"] = url;
        }
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, urls[zone == "a" ? 0 : 1]);
        builder.AddServiceDefaults("compliance");
        RecordingLog log = new();
        builder.Services.AddSingleton<IAuditLog>(log);
        builder.Services.AddChecked<AuditOptions>(AuditOptions.Section, AuditOptions.Faults);
        builder.Services.AddChecked<PeerOptions>(PeerOptions.Section, PeerOptions.Faults);
        builder.Services.AddSingleton<LogName>().AddSingleton<AuditDatabase>().AddSingleton<PersonKeys>()
            .AddSingleton<TileStore>().AddSingleton<HeadStore>().AddSingleton<HeadSigner>()
            .AddSingleton<EventPreparer>().AddSingleton<AuditMetrics>();
        builder.Services.AddSearch();
        WebApplication app = builder.Build();
        app.MapServiceDefaults(ComplianceApp.NoOthers, AuditSearchService.Descriptor);
        app.MapSearch();
        await app.StartAsync();
        MovableTime time = new(new DateTimeOffset(2026, 3, 20, 8, 0, 0, TimeSpan.Zero));
        IServiceProvider services = app.Services;
        LogWriter writer = new(services.GetRequiredService<AuditDatabase>(), services.GetRequiredService<TileStore>(),
            services.GetRequiredService<LogName>(), services.GetRequiredService<AuditMetrics>(), time);
        await writer.ConnectAsync(default);
        writer.Open();
        return new SearchHost(world, app, writer, log) { Time = time };
    }

    /// <summary>Writes events as one commit.</summary>
    public async Task WriteAsync(params IReadOnlyList<AuditEvent> events) => await Writer.WriteAsync(
        [Services.GetRequiredService<EventPreparer>().Prepare(events)], default);

    /// <summary>Signs the log as it is.</summary>
    public async Task<TreeHead> SignAsync()
    {
        CompactRange peaks = Writer.Peaks;
        TreeHead head = Services.GetRequiredService<HeadSigner>().Sign(peaks.Size, peaks.Root());
        await Services.GetRequiredService<HeadStore>().SaveAsync(head, default);
        return head;
    }

    public Task SqlAsync(string sql) => Services.GetRequiredService<AuditDatabase>().ExecuteAsync(sql, [], default);

    public AuditSearchService.AuditSearchServiceClient As(string tenant) => new(Channel(
        _world.Installation.Tenant(tenant)));

    public GrpcChannel Channel((string, string) shown)
    {
        GrpcChannel channel = _world.Installation.Channel(Url, shown);
        _channels.Add(channel);
        return channel;
    }

    public async Task StopAsync() => await _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        await Writer.DisposeAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
