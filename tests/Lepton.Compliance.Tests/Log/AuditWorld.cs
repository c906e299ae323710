using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Compliance.Audit;
using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Lepton.Compliance.Tests.Log;

/// <summary>One real server for the class; logs have databases of their own.</summary>
public sealed class AuditServer() : PostgresServer("compliance"), IAsyncLifetime;

[CollectionDefinition("audit-log")]
public sealed class AuditCollection : ICollectionFixture<AuditServer>;

/// <summary>The audit log's services of some zones, over real PostgreSQL, mutual TLS and real sockets.</summary>
internal sealed class AuditWorld : IAsyncDisposable
{
    private const string Access = """
        { "version": 2, "tenants": {}, "assignments": [
          { "tenant": "platform", "role": "admin", "regions": ["*"], "allTenants": true },
          { "tenant": "platform", "role": "auditor", "regions": ["*"], "allTenants": true },
          { "tenant": "platform", "role": "audit-officer", "regions": ["*"], "allTenants": true },
          { "tenant": "platform", "role": "steward", "regions": ["*"], "allTenants": true },
          { "tenant": "demo", "role": "auditor", "regions": ["*"] }] }
        """;

    private readonly Dictionary<string, AuditHost> _hosts = [];

    public TestInstallation Installation { get; } = new() { Life = TimeSpan.FromDays(2) };

    public AuditHost this[string name] => _hosts[name];

    public IEnumerable<AuditHost> Hosts => _hosts.Values;

    /// <param name="server">Where the databases are.</param>
    /// <param name="names">REGION/ZONE each; all are started and open when this returns.</param>
    /// <param name="settings">For every one, below Compliance:Audit.</param>
    public static async Task<AuditWorld> StartAsync(
        PostgresServer server, string[] names, Dictionary<string, string?>? settings = null)
    {
        AuditWorld world = new();
        world.Installation.SignAccess(Access);
        foreach (string file in (string[])["secret.key", "index.key"])
            await File.WriteAllTextAsync(Path.Combine(world.Installation.Directory, file),
                Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        foreach (string name in names)
            world._hosts[name] = new AuditHost(
                world, name, FreeAddress.Url(), await server.CreateDatabaseAsync(), settings ?? []);
        await Task.WhenAll(world.Hosts.Select(h => h.StartAsync()));
        await Task.WhenAll(world.Hosts.Select(h => h.OpenAsync()));
        return world;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (AuditHost host in Hosts)
            await host.StopAsync();
        Installation.Dispose();
    }

    /// <summary>An event as a service writes it.</summary>
    public static AuditEvent Event(int n, string tenant = "demo", string actor = "issuer/anna") => new()
    {
        Id = Guid.CreateVersion7().ToString("N"),
        EventTime = Timestamp.FromDateTime(DateTime.UtcNow),
        Category = AuditCategory.Management,
        Action = "lepton.test.v1.TestService/Change",
        Outcome = AuditOutcome.Succeeded,
        Message = $"change {n}",
        Actor = new AuditActor { Principal = actor, Address = "192.0.2.7" },
        Tenant = tenant,
        Resource = $"nodes/{n}",
        Subject = "patient-7",
        Region = "eu-west",
        Service = "routing",
        Details = { ["b"] = "2", ["a"] = "1" },
    };

    public static AuditEvent[] Events(int count, string tenant = "demo") =>
        [.. Enumerable.Range(1, count).Select(n => Event(n, tenant))];
}

/// <summary>One service.</summary>
internal sealed class AuditHost(
    AuditWorld world, string name, string url, string database, Dictionary<string, string?> settings)
{
    private readonly List<GrpcChannel> _channels = [];
    private WebApplication? _app;

    public string Name => name;

    public string Region => name.Split('/')[0];

    public string Url => url;

    public string Database { get; set; } = database;

    /// <summary>It asks nobody whether there was a log before.</summary>
    public bool BeginsAlone { get; set; }

    public string Data => Path.Combine(world.Installation.Directory, "data-" + name.Replace('/', '-'));

    public IServiceProvider Services => _app!.Services;

    public AuditService.AuditServiceClient As(string tenant) => new(Channel(world.Installation.Tenant(tenant)));

    public AuditService.AuditServiceClient AsService => new(Channel(world.Installation.Service(Region, "routing")));

    public IReadOnlyList<Alarm> Alarms => Services.GetRequiredService<Alarms>().All;

    public LogWriter Writer => Services.GetRequiredService<LogWriter>();

    public async Task StartAsync()
    {
        TestInstallation pki = world.Installation;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (Environment.GetEnvironmentVariable("LEPTON_TEST_LOG") is not null)
            builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Information);
        Dictionary<string, string?> configuration = pki.Configuration(Region, "compliance");
        configuration["Lepton:Zone"] = name.Split('/')[1];
        void Audit(string key, string? value) => configuration["Compliance:Audit:" + key] = value;
        Audit("Database", Database);
        Audit("DataDirectory", Data);
        Audit("SecretFile", Path.Combine(pki.Directory, "secret.key"));
        Audit("IndexKeyFile", Path.Combine(pki.Directory, "index.key"));
        var (certificate, key) = pki.Issue(
            "head-" + Region, $"spiffe://lepton.local/region/{Region}/service/compliance", [HeadSignatures.KeyUsage]);
        Audit("SignerCertificateFile", certificate);
        Audit("SignerKeyFile", key);
        Audit("HeadInterval", "00:00:00.1");
        Audit("WitnessInterval", "00:00:00.2");
        Audit("CheckInterval", "1.00:00:00");
        Audit("CommandTimeMax", "00:01:00");
        Audit("CallTimeMax", "00:00:30");
        Audit("CopyTimeMax", "00:00:30");
        foreach ((AuditHost peer, int i) in world.Hosts.Select((h, i) => (h, i)))
        {
            configuration[$"Compliance:Peers:{i}:Region"] = peer.Region;
            configuration[$"Compliance:Peers:{i}:Zone"] = peer.Name.Split('/')[1];
            configuration[$"Compliance:Peers:{i}:Url"] = peer.Url;
        }
        if (BeginsAlone)
            foreach ((AuditHost peer, int i) in world.Hosts.Select((h, i) => (h, i)))
                Audit($"BeginWithout:{i}", peer.Name);
        foreach ((string setting, string? value) in settings)
            Audit(setting, value);
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, url);
        builder.AddServiceDefaults("compliance");
        builder.Services.AddAudit();
        WebApplication app = builder.Build();
        app.MapServiceDefaults(ComplianceApp.NoOthers, AuditService.Descriptor, AuditPeerService.Descriptor);
        app.MapAudit();
        await app.StartAsync();
        _app = app;
    }

    public Task OpenAsync() => EventuallyAsync(() => Task.FromResult(Writer.IsOpen));

    public async Task<AppendResponse> AppendAsync(params AuditEvent[] events)
    {
        using AsyncDuplexStreamingCall<AppendRequest, AppendResponse> call = AsService.Append();
        await call.RequestStream.WriteAsync(new AppendRequest { Batch = 7, Events = { events } });
        Assert.True(await call.ResponseStream.MoveNext(default));
        return call.ResponseStream.Current;
    }

    /// <summary>The newest head, once it has so many witnesses and is of all that was written.</summary>
    public async Task<TreeHead> HeadAsync(int witnesses = 0)
    {
        TreeHead? head = null;
        await EventuallyAsync(async () =>
        {
            try
            {
                head = (await As("platform").GetTreeHeadAsync(
                    new GetTreeHeadRequest { Size = (ulong)Writer.Peaks.Size })).Head;
                return head.Witnesses.Count >= witnesses;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
            {
                return false;
            }
        });
        return head!;
    }

    /// <summary>As the database's superuser, who may do everything.</summary>
    public async Task SuperAsync(PostgresServer server, string sql)
    {
        string connection = new NpgsqlConnectionStringBuilder(server.SuperConnection)
        {
            Database = new NpgsqlConnectionStringBuilder(Database).Database,
        }.ConnectionString;
        await using NpgsqlConnection super = new(connection);
        await super.OpenAsync();
        await using NpgsqlCommand command = new(sql, super);
        await command.ExecuteNonQueryAsync();
    }

    public async Task StopAsync()
    {
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        _channels.Clear();
        if (_app is { } app)
        {
            _app = null;
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    public static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while (!await condition())
            await timer.WaitForNextTickAsync(patience.Token);
    }

    private GrpcChannel Channel((string, string) shown)
    {
        GrpcChannel channel = world.Installation.Channel(url, shown);
        _channels.Add(channel);
        return channel;
    }
}
