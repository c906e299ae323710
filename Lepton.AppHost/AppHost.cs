// The topology: regions, zones, services and what connects them. Run, it starts all of it on this machine; published
// (--publisher manifest --output-path FILE), it becomes the manifest that deployment tools read.
// Settings (--Lepton:Regions=us-east,eu-west or Lepton__Regions in the environment) are listed in the README.
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
{
    Args = args,
    // The dashboard is for this machine: everything listens on loopback, and the dashboard asks for its token.
    AllowUnsecuredTransport = true,
});
Installation installation = Installation.Read(builder.Configuration, builder.AppHostDirectory);
// What is started inherits this process's environment, and a connection string holds a password.
Environment.SetEnvironmentVariable("Lepton__Postgres", null);
bool publishing = builder.ExecutionContext.IsPublishMode;
if (!publishing)
    SetDashboardPorts();

Dictionary<Region, Lazy<HttpClient>> peers = installation.Regions.ToDictionary(
    region => region, region => new Lazy<HttpClient>(() => ConnectAsService(region)));
AddPostgres();
// Every service, for what all are told once everything is there.
List<Member> members = [];
string? issuer = AddIdentity();
// A router in each zone, so that losing one, or its zone, closes no region.
Dictionary<Region, IReadOnlyList<Gateway>> routers = [];
foreach (Region region in installation.Regions)
    routers[region] = [.. installation.ZoneNames.Select((zone, i) => AddRouter(region, zone, i))];
foreach (Region region in installation.Regions)
{
    foreach (Gateway router in routers[region])
    {
        AddRegionTable(region, router);
        AddScaling(region, router);
    }
    AddInference(region, "a", "core", $"inference-{region.Name}-a", region.Port(1));
    if (installation.Zones == 2)
        AddInference(region, "b", "edge", $"inference-{region.Name}-b", region.Port(2));
    // Capacity in reserve: started by its start command when the region needs it.
    AddInference(region, "a", "core", $"inference-{region.Name}-standby", region.Port(3)).WithExplicitStart();
}

// Records: a node in each zone, beside its database.
SyncNode[] keepers =
[
    .. from region in installation.Regions
       from i in Enumerable.Range(0, installation.Zones)
       where installation.HasRecords
       select AddSync(region, i),
];
foreach (SyncNode keeper in keepers)
    AddNodeTable(keeper);
// The audit log, policies and roles by call: in each zone, beside its database.
ComplianceNode[] auditors =
[
    .. from region in installation.Regions
       from i in Enumerable.Range(0, installation.Zones)
       where installation.HasRecords
       select AddCompliance(region, i),
];
foreach (ComplianceNode auditor in auditors)
    AddPeerTable(auditor);
foreach (Member member in keepers.Length > 0 ? members : [])
    AddControlTable(member);
foreach (Member member in members)
    AddAuditTable(member);

if (!publishing && installation.HasWan)
    AddWan();
builder.Build().Run();

void SetDashboardPorts()
{
    int first = installation.BasePort;
    builder.Configuration["ASPNETCORE_URLS"] ??= Http(first);
    builder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ??= Http(first + 1);
    builder.Configuration["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] ??= Http(first + 2);
    builder.Configuration["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] ??= Http(first + 3);
    static string Http(int port) => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}");
}

void AddPostgres()
{
    if (installation.Postgres is not ("embedded" or "container"))
    {
        builder.AddParameter("postgres-connection", installation.Postgres, secret: true);
        return;
    }

    IResourceBuilder<ParameterResource>? password = null;
    foreach (Region region in installation.Regions)
    {
        foreach (string zone in installation.ZoneNames)
        {
            string name = $"postgres-{region.Name}-{zone}";
            if (publishing || installation.Postgres == "container")
            {
                password ??= publishing
                    ? builder.AddParameter("postgres-password", secret: true)
                    : builder.AddParameter("postgres-password", installation.Secret("postgres"), secret: true);
                builder.AddContainer(name, "postgres", "18")
                    .WithEnvironment("POSTGRES_PASSWORD", password)
                    .WithVolume($"{name}-data", "/var/lib/postgresql")
                    .WithEndpoint(targetPort: 5432, name: "tcp");
                continue;
            }

            string data = Path.Combine(installation.Instance, "pg", $"{region.Name}-{zone}");
            string key = $"{name}-ready";
            // The supervisor keeps this file there exactly while the server accepts connections.
            builder.Services.AddHealthChecks().AddCheck(key, () => File.Exists(Path.Combine(data, "ready"))
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The server does not accept connections yet."));
            builder.AddProject<Projects.Lepton_Postgres>(name)
                .WithArgs("--tools", Path.Combine(installation.Home, "tools", "postgres"))
                .WithArgs("--data", data, "--databases", "routing,inference"
                    + (zone == "a" && region.Index == 0 ? ",identity" : "")
                    + (installation.HasRecords ? ",sync+replication,compliance" : ""))
                .WithHealthCheck(key)
                .ExcludeFromManifest();
        }
    }
}

// An authority for development and tests, in the first region for all of them. Elsewhere routers are told of yours
// (Lepton__Tokens__Issuers), so it is in no manifest. Its address, null: there is none here.
string? AddIdentity()
{
    if (publishing || installation.Postgres == "container")
        return null;
    Region home = installation.Regions[0];
    string files = Path.Combine(installation.Home, "pki", "identity"), address = Region.Url(installation.IdentityPort);
    IResourceBuilder<ProjectResource> identity = AddService<Projects.Lepton_Identity>(
        home, "a", "identity", "identity", installation.IdentityPort, "services/Lepton.Identity/Dockerfile", _ => { })
        .WithEnvironment("Lepton__Intrusion__RulesFile", installation.IntrusionFile)
        .WithEnvironment("Identity__Issuer", address)
        .WithEnvironment("Identity__MasterKeyFile", Path.Combine(files, "master.key"))
        .WithEnvironment("Identity__SeedFile", Path.Combine(files, "seed.json"))
        .ExcludeFromManifest();
    if (installation.Postgres == "embedded")
        identity.WithEnvironment("Identity__DatabaseFile",
            Path.Combine(installation.Instance, "pg", $"{home.Name}-a", "connections.json"));
    else
        identity.WithEnvironment("Identity__Database", installation.Postgres);
    return address;
}

Gateway AddRouter(Region region, string zone, int index)
{
    // The first keeps the short name.
    string suffix = index == 0 ? "" : $"-{zone}";
    string name = $"routing-{region.Name}{suffix}";
    int port = region.Port(index == 0 ? 0 : 4);
    IResourceBuilder<ProjectResource> router = AddService<Projects.Lepton_Routing>(
        region, zone, "routing", name, port, "services/Lepton.Routing/Dockerfile",
        container => container.WithVolume($"{name}-decisions", "/var/lib/lepton/decisions"));
    string pki = installation.Pki(region, "routing", publishing);
    router
        .WithExternalHttpEndpoints()
        .WithEnvironment("Routing__Router", name)
        .WithEnvironment("Lepton__Intrusion__RulesFile", publishing
            ? "/etc/lepton/intrusion.json"
            : installation.IntrusionFile)
        .WithEnvironment("Routing__HopCertificateFile", $"{pki}/hop.crt")
        .WithEnvironment("Routing__HopKeyFile", $"{pki}/hop.key")
        .WithEnvironment("Routing__DecisionDirectory", publishing
            ? "/var/lib/lepton/decisions"
            : Path.Combine(installation.Instance, "decisions", region.Name + suffix));
    if (issuer is not null)
        router.WithEnvironment("Lepton__Tokens__Issuers__0__Name", "lepton")
            .WithEnvironment("Lepton__Tokens__Issuers__0__Issuer", issuer)
            .WithEnvironment("Lepton__Tokens__Issuers__0__RevocationsUrl", issuer + "/revocations")
            .WithEnvironment("Lepton__Tokens__Issuers__0__KeysFile",
                Path.Combine(installation.Instance, $"issuer-keys-{name}.json"));
    return new Gateway(router, name, index, port);
}

// Every router knows every region's routers: by which address it reaches each, and which one clients are told.
void AddRegionTable(Region from, Gateway router)
{
    foreach (Region to in installation.Regions)
    {
        string region = string.Create(CultureInfo.InvariantCulture, $"Routing__Regions__{to.Index}__");
        router.Resource.WithEnvironment(region + "Name", to.Name);
        foreach (Gateway there in routers[to])
        {
            string prefix = string.Create(CultureInfo.InvariantCulture, $"{region}Routers__{there.Index}__");
            router.Resource.WithEnvironment(prefix + "Name", there.Name);
            if (publishing)
            {
                router.Resource.WithEnvironment(prefix + "Url", there.Resource.GetEndpoint("https"));
                router.Resource.WithEnvironment(prefix + "GatewayUrl", there.Resource.GetEndpoint("https"));
                continue;
            }

            bool far = installation.HasWan && to != from;
            int port = far ? installation.WanPort(from, to, there.Index) : there.Port;
            router.Resource.WithEnvironment(prefix + "Url", Region.Url(port));
            router.Resource.WithEnvironment(prefix + "GatewayUrl", Region.Url(there.Port));
        }
    }
}

// Capacity that follows load: routers start and stop the standby node by the resource service, as its buttons do.
void AddScaling(Region region, Gateway router)
{
    if (publishing || !installation.HasScaling)
        return;
    string key = builder.Configuration["AppHost:ResourceService:ApiKey"]
        ?? builder.Configuration["ASPIRE_DASHBOARD_RESOURCESERVICE_APIKEY"]
        ?? throw new DistributedApplicationException(
            "Lepton:Scaling=on takes ASPIRE_DASHBOARD_RESOURCESERVICE_APIKEY, the key that routers start nodes by.");
    string file = Path.Combine(installation.Instance, "resource-service.key");
    Directory.CreateDirectory(installation.Instance);
    File.Delete(file);
    var secret = new FileStreamOptions
    {
        Mode = FileMode.CreateNew, Access = FileAccess.Write,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };
    using (var writer = new StreamWriter(file, Encoding.ASCII, secret))
        writer.Write(key);
    router.Resource
        .WithEnvironment("Routing__Scaling__Enabled", "true")
        .WithEnvironment("Routing__Scaling__Pools__0__Tier", "core")
        .WithEnvironment("Routing__Scaling__Pools__0__Provider", "aspire")
        .WithEnvironment("Routing__Scaling__Pools__0__NodesMax", "2")
        .WithEnvironment("Routing__Scaling__Aspire__Url",
            builder.Configuration["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"])
        .WithEnvironment("Routing__Scaling__Aspire__KeyFile", file)
        .WithEnvironment("Routing__Scaling__Aspire__Standby__0__Resource", $"inference-{region.Name}-standby");
}

IResourceBuilder<ProjectResource> AddInference(Region region, string zone, string tier, string name, int port)
{
    IResourceBuilder<ProjectResource> node = AddService<Projects.Lepton_Inference>(
        region, zone, "inference", name, port, "services/Lepton.Inference/Dockerfile",
        container => container.WithVolume($"models-{region.Name}", "/var/lib/lepton/models"));
    node.WithEnvironment("Inference__Node", name)
        .WithEnvironment("Inference__Tier", tier)
        .WithEnvironment("Inference__ModelDirectory", publishing
            ? "/var/lib/lepton/models"
            : Path.Combine(installation.Home, "models"));
    if (publishing)
        node.WithEnvironment("Inference__AdvertiseUrl", node.GetEndpoint("https"));
    else
        node.WithEnvironment("Inference__AdvertiseUrl", Region.Url(port));
    foreach (Gateway router in routers[region])
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"Inference__Routers__{router.Index}");
        if (publishing)
            node.WithEnvironment(key, router.Resource.GetEndpoint("https"));
        else
            node.WithEnvironment(key, Region.Url(router.Port)).WithReferenceRelationship(router.Resource);
    }
    return node;
}

SyncNode AddSync(Region region, int index)
{
    string zone = installation.ZoneNames[index];
    string name = $"sync-{region.Name}-{zone}";
    int port = region.Port(5 + index);
    IResourceBuilder<ProjectResource> node = AddService<Projects.Lepton_Sync>(
        region, zone, "sync", name, port, "services/Lepton.Sync/Dockerfile",
        container => container.WithVolume($"{name}-data", "/var/lib/lepton/sync"));
    string data = publishing
        ? "/var/lib/lepton/sync"
        : Path.Combine(installation.Instance, "sync", $"{region.Name}-{zone}");
    string keys = publishing ? "/etc/lepton/pki" : Path.Combine(installation.Home, "pki", "sync");
    node.WithEnvironment("Sync__ClassesFile", publishing ? "/etc/lepton/records.json" : installation.RecordsFile)
        .WithEnvironment("Sync__KeyFile", Path.Combine(keys, "map.key"))
        .WithEnvironment("Sync__Topology__File", Path.Combine(data, "map"))
        .WithEnvironment("Sync__Replication__SpoolDirectory", Path.Combine(data, "spool"))
        .WithEnvironment("Sync__Sealing__BlindingKeyFile", Path.Combine(keys, "blinding.key"))
        .WithEnvironment("Sync__Keys__SecretFile", publishing
            ? $"{keys}/secret.key"
            : Path.Combine(keys, region.Name, "secret.key"))
        .WithEnvironment("Sync__Backup__Enabled", installation.HasBackups ? "true" : "false")
        .WithEnvironment("Sync__Backup__Directory", publishing
            ? "/var/lib/lepton/backups"
            : Path.Combine(data, "backups"))
        .WithEnvironment("Sync__Backup__SecretFile", publishing
            ? $"{keys}/backup.key"
            : Path.Combine(keys, region.Name, "backup.key"))
        .WithEnvironment("Sync__Keys__StoreDirectory", Path.Combine(data, "keys"))
        .WithEnvironment("Sync__Keys__ProviderDirectory", Path.Combine(data, "key-encryption"));
    if (publishing)
        return new SyncNode(node, region, zone, index, port);
    // On a machine where thirty processes start at once a database may be long in coming.
    node.WithEnvironment("Sync__Topology__StartTimeMax", "00:04:00")
        .WithEnvironment("Sync__Storage__StartTimeMax", "00:04:00")
        .WithEnvironment("Sync__Backup__ToolsDirectory", Path.Combine(installation.Home, "tools", "postgres"))
        .WithEnvironment("Sync__Storage__DatabaseFile", Connections(region, zone))
        .WithEnvironment("Sync__Topology__DatabaseFile", Connections(installation.Regions[0], "a"));
    return new SyncNode(node, region, zone, index, port);

    string Connections(Region of, string zone) =>
        Path.Combine(installation.Instance, "pg", $"{of.Name}-{zone}", "connections.json");
}

ComplianceNode AddCompliance(Region region, int index)
{
    string zone = installation.ZoneNames[index];
    string name = $"compliance-{region.Name}-{zone}";
    int port = region.Port(7 + index);
    IResourceBuilder<ProjectResource> node = AddService<Projects.Lepton_Compliance>(
        region, zone, "compliance", name, port, "services/Lepton.Compliance/Dockerfile",
        container => container.WithVolume($"{name}-data", "/var/lib/lepton/compliance"));
    string pki = installation.Pki(region, "compliance", publishing);
    node.WithEnvironment("Compliance__Roles__SignerCertificateFile", $"{pki}/roles.crt")
        .WithEnvironment("Compliance__Roles__SignerKeyFile", $"{pki}/roles.key")
        .WithEnvironment("Compliance__Audit__SignerCertificateFile", $"{pki}/audit.crt")
        .WithEnvironment("Compliance__Audit__SignerKeyFile", $"{pki}/audit.key")
        .WithEnvironment("Compliance__Audit__DataDirectory", publishing
            ? "/var/lib/lepton/compliance"
            : Path.Combine(installation.Instance, "compliance", $"{region.Name}-{zone}"));
    string keys = publishing ? pki : Path.Combine(installation.Home, "pki", "compliance");
    node.WithEnvironment("Compliance__Audit__IndexKeyFile", Path.Combine(keys, "index.key"))
        .WithEnvironment("Compliance__Audit__SecretFile", publishing
            ? $"{keys}/secret.key"
            : Path.Combine(keys, region.Name, "secret.key"));
    // Records first: what all start at once starts late on a small machine. Events wait in their spools.
    node.WaitFor(keepers.Single(keeper => keeper.Region == region && keeper.Index == index).Resource);
    if (!publishing)
        node.WithEnvironment("Compliance__Audit__DatabaseFile",
            Path.Combine(installation.Instance, "pg", $"{region.Name}-{zone}", "connections.json"));
    return new ComplianceNode(node, region, zone, index, port);
}

// Every audit log's service knows every other: they copy, witness and erase for each other.
void AddPeerTable(ComplianceNode from)
{
    foreach ((ComplianceNode to, int i) in auditors.Select((node, i) => (node, i)))
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"Compliance__Peers__{i}__");
        from.Resource.WithEnvironment(key + "Region", to.Region.Name).WithEnvironment(key + "Zone", to.Zone);
        bool far = installation.HasWan && to.Region != from.Region;
        if (publishing)
            from.Resource.WithEnvironment(key + "Url", to.Resource.GetEndpoint("https"));
        else
            from.Resource.WithEnvironment(key + "Url", Region.Url(
                far ? installation.WanCompliancePort(from.Region, to.Region, to.Index) : to.Port));
    }
}

// Every node knows every other: by which address it reaches it. The same list on all: it seeds the first topology.
void AddNodeTable(SyncNode from)
{
    foreach ((SyncNode to, int i) in keepers.Select((node, i) => (node, i)))
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"Sync__Nodes__{i}__");
        from.Resource.WithEnvironment(key + "Region", to.Region.Name).WithEnvironment(key + "Zone", to.Zone);
        AddAddress(from.Resource, key + "Url", from.Region, to);
    }
}

void AddAddress(IResourceBuilder<ProjectResource> resource, string key, Region from, SyncNode to)
{
    bool far = installation.HasWan && to.Region != from;
    if (publishing)
        resource.WithEnvironment(key, to.Resource.GetEndpoint("https"));
    else
        resource.WithEnvironment(
            key, Region.Url(far ? installation.WanSyncPort(from, to.Region, to.Index) : to.Port));
}

// Policy, roles and tenants come from Sync: each service asks the nearest node first, and the others when it must.
void AddControlTable(Member from)
{
    IEnumerable<SyncNode> nearest = keepers.OrderBy(to => to.Region == from.Region ? to.Zone == from.Zone ? 0 : 1 : 2);
    foreach ((SyncNode to, int i) in nearest.Select((node, i) => (node, i)))
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"SyncClient__Nodes__{i}__");
        from.Resource.WithEnvironment(key + "Region", to.Region.Name);
        AddAddress(from.Resource, key + "Url", from.Region, to);
    }
    // Cut off for longer, a region serves no regulated class and takes no operator's order.
    from.Resource.WithEnvironment("SyncClient__AgeMax", "1.00:00:00");
    from.Resource.WithEnvironment("SyncClient__SnapshotFile", publishing
        ? "/var/lib/lepton/control/snapshot.json"
        : Path.Combine(installation.Instance, "control", $"{from.Name}.json"));
}

// Each service keeps its events until one of its region's logs has them: it asks the own zone's first.
void AddAuditTable(Member from)
{
    from.Resource.WithEnvironment("Audit__Process", from.Name);
    from.Resource.WithEnvironment("Audit__SpoolDirectory", publishing
        ? "/var/lib/lepton/audit"
        : Path.Combine(installation.Instance, "audit", from.Name));
    IEnumerable<ComplianceNode> nearest = auditors.Where(to => to.Region == from.Region)
        .OrderBy(to => to.Zone == from.Zone ? 0 : 1);
    foreach ((ComplianceNode to, int i) in nearest.Select((node, i) => (node, i)))
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"Audit__Nodes__{i}__");
        from.Resource.WithEnvironment(key + "Region", to.Region.Name).WithEnvironment(key + "Zone", to.Zone);
        if (publishing)
            from.Resource.WithEnvironment(key + "Url", to.Resource.GetEndpoint("https"));
        else
            from.Resource.WithEnvironment(key + "Url", Region.Url(to.Port));
    }
}

// What every service has: its place, its certificate, one TLS port, a check that it is ready, a Dockerfile.
IResourceBuilder<ProjectResource> AddService<TProject>(
    Region region, string zone, string service, string name, int port, string dockerfile,
    Action<IResourceBuilder<ContainerResource>> configureContainer)
    where TProject : IProjectMetadata, new()
{
    const int ContainerPort = 8443;
    string pki = installation.Pki(region, service, publishing);
    IResourceBuilder<ProjectResource> project = builder.AddProject<TProject>(name, launchProfileName: null)
        .DisableForwardedHeaders()
        .WithEnvironment("Lepton__Region", region.Name)
        .WithEnvironment("Lepton__Zone", zone)
        .WithEnvironment("Lepton__PolicyFile", publishing ? "/etc/lepton/residency.json" : installation.PolicyFile)
        .WithEnvironment("Lepton__AccessFile", publishing
            ? $"{pki}/access.jws"
            : Path.Combine(installation.Home, "pki", "access.jws"))
        .WithEnvironment("Lepton__Tls__CertificateFile", $"{pki}/tls.crt")
        .WithEnvironment("Lepton__Tls__KeyFile", $"{pki}/tls.key")
        .WithEnvironment("Lepton__Tls__AuthorityFile", publishing
            ? $"{pki}/ca.crt"
            : Path.Combine(installation.Home, "pki", "ca.crt"));
    members.Add(new Member(project, region, zone, name));
    if (publishing)
        return project.WithHttpsEndpoint(targetPort: ContainerPort).AsHttp2Service().PublishAsDockerFile(container =>
        {
            container.WithDockerfile("..", dockerfile);
            // Filled by whoever deploys: ca.crt, access.jws, tls.crt and tls.key; a router's also hop.crt and hop.key,
            // Compliance's roles.crt and roles.key, audit.crt and audit.key, index.key and secret.key.
            container.WithVolume($"{name}-pki", pki, isReadOnly: true);
            container.WithVolume($"{name}-audit", "/var/lib/lepton/audit");
            if (installation.HasRecords)
                container.WithVolume($"{name}-control", "/var/lib/lepton/control");
            configureContainer(container);
        });

    string key = $"{name}-ready";
    var ready = new Uri(Region.Url(port) + "/health/ready");
    builder.Services.AddHealthChecks().AddAsyncCheck(key, token => IsReadyAsync(peers[region].Value, ready, token));
    // Workstation collection: a dozen processes share this machine's memory. No proxy: addresses outlive restarts.
    return project.WithEnvironment("DOTNET_gcServer", "0")
        .WithEnvironment("DOTNET_TieredPGO", "0")
        .WithEnvironment("Lepton__Reflection", "true")
        .WithEnvironment("ASPNETCORE_URLS", Region.Url(port))
        .WithHttpsEndpoint(port: port, isProxied: false)
        .WithHealthCheck(key);
}

static async Task<HealthCheckResult> IsReadyAsync(HttpClient peer, Uri address, CancellationToken cancellationToken)
{
    try
    {
        using HttpResponseMessage answer = await peer.GetAsync(address, cancellationToken);
        return answer.IsSuccessStatusCode
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy(await answer.Content.ReadAsStringAsync(cancellationToken));
    }
    catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
    {
        return HealthCheckResult.Unhealthy((e.InnerException ?? e).Message);
    }
}

// Asks as a service of the region would: mutual TLS within the installation's own authority.
HttpClient ConnectAsService(Region region)
{
    string pki = installation.Pki(region, "routing", publishing: false);
    string authority = Path.Combine(installation.Home, "pki", "ca.crt");
    var handler = new SocketsHttpHandler();
    handler.SslOptions.ClientCertificates =
        [X509Certificate2.CreateFromPemFile(Path.Combine(pki, "tls.crt"), Path.Combine(pki, "tls.key"))];
    handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(authority) },
        RevocationMode = X509RevocationMode.NoCheck,
    };
    return new HttpClient(handler)
    {
        Timeout = TimeSpan.FromSeconds(5),
        DefaultRequestVersion = HttpVersion.Version20,
    };
}

// One relay for all pairs of regions puts the distance between them on one machine.
void AddWan()
{
    IResourceBuilder<ProjectResource> wan = builder.AddProject<Projects.Lepton_Wan>("wan").ExcludeFromManifest();
    foreach (Region from in installation.Regions)
    {
        foreach (Region to in installation.Regions.Where(to => to != from))
            foreach (Gateway there in routers[to])
                Relay(from, to, installation.WanPort(from, to, there.Index), there.Port);
        foreach (SyncNode to in keepers.Where(to => to.Region != from))
            Relay(from, to.Region, installation.WanSyncPort(from, to.Region, to.Index), to.Port);
        foreach (ComplianceNode to in auditors.Where(to => to.Region != from))
            Relay(from, to.Region, installation.WanCompliancePort(from, to.Region, to.Index), to.Port);
    }

    void Relay(Region from, Region to, int port, int target) => wan.WithArgs(string.Create(
        CultureInfo.InvariantCulture, $"{port}=127.0.0.1:{target}@{Installation.RoundTripMs(from, to)}"));
}

/// <param name="Resource">A service.</param>
/// <param name="Region">Its region.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Name">Its name as a resource.</param>
internal sealed record Member(IResourceBuilder<ProjectResource> Resource, Region Region, string Zone, string Name);

/// <param name="Resource">The router.</param>
/// <param name="Name">Its name, which the topology knows too.</param>
/// <param name="Index">From 0 within its region.</param>
/// <param name="Port">Where it listens.</param>
internal sealed record Gateway(IResourceBuilder<ProjectResource> Resource, string Name, int Index, int Port);

/// <param name="Resource">The node of Sync.</param>
/// <param name="Region">Its region.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Index">From 0 within its region.</param>
/// <param name="Port">Where it listens.</param>
internal sealed record SyncNode(
    IResourceBuilder<ProjectResource> Resource, Region Region, string Zone, int Index, int Port);

/// <param name="Resource">The service.</param>
/// <param name="Region">Its region.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Index">From 0 within its region.</param>
/// <param name="Port">Where it listens.</param>
internal sealed record ComplianceNode(
    IResourceBuilder<ProjectResource> Resource, Region Region, string Zone, int Index, int Port);

/// <param name="Index">From 0, in the order of Lepton:Regions.</param>
/// <param name="FirstPort">
/// The first router's; both inference nodes', the standby's, the second router's, the sync nodes' and compliance's
/// follow.
/// </param>
internal sealed record Region(string Name, int Index, int FirstPort)
{
    public int Port(int offset) => FirstPort + offset;

    public static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{port}");
}

internal sealed partial record Installation(
    IReadOnlyList<Region> Regions, int Zones, bool HasWan, int BasePort, string Home, string Instance,
    string Postgres, string PolicyFile, string IntrusionFile, string RecordsFile,
    bool HasRecords, bool HasBackups, bool HasScaling)
{
    private const int RegionsMax = 9;

    public static Installation Read(IConfiguration configuration, string appHostDirectory)
    {
        IConfigurationSection lepton = configuration.GetSection("Lepton");
        int basePort = lepton.GetValue("BasePort", 7400);
        string[] names = (lepton["Regions"] ?? "us-east,eu-west,ap-southeast").Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length is 0 or > RegionsMax || names.Distinct().Count() != names.Length
            || !names.All(name => RegionName.IsMatch(name)))
            throw new DistributedApplicationException(
                $"Lepton:Regions takes 1 to {RegionsMax} different names of lower-case letters, digits and hyphens, "
                + $"not '{lepton["Regions"]}'.");
        string root = Path.GetFullPath("..", appHostDirectory);
        string home = Path.GetFullPath(lepton["Home"] ?? ".lepton", root);
        return new Installation(
            [.. names.Select((name, i) => new Region(name, i, basePort + (20 * (i + 1))))],
            OneOf(lepton, "Zones", "2", "1") == "2" ? 2 : 1,
            OneOf(lepton, "Wan", "on", "off") == "on" && names.Length > 1, // one region has nobody to be far from
            basePort,
            home,
            Path.GetFullPath(lepton["Instance"] ?? Path.Combine(home, "instances", "default"), root),
            lepton["Postgres"] is { Length: > 0 } postgres ? postgres : "embedded",
            Path.GetFullPath(lepton["PolicyFile"] ?? Path.Combine("deploy", "residency.json"), root),
            Path.GetFullPath(lepton["IntrusionFile"] ?? Path.Combine("deploy", "intrusion.json"), root),
            Path.GetFullPath(lepton["RecordsFile"] ?? Path.Combine("deploy", "records.json"), root),
            OneOf(lepton, "Records", "off", "on") == "on"
                // Each node takes a database of its own: those of the embedded servers.
                && lepton["Postgres"] is null or "" or "embedded",
            OneOf(lepton, "Backups", "off", "on") == "on",
            OneOf(lepton, "Scaling", "off", "on") == "on");
    }

    public int IdentityPort => BasePort + 4;

    public string[] ZoneNames => Zones == 2 ? ["a", "b"] : ["a"];

    /// <summary>The relay's port for what goes from a region to a router of another.</summary>
    public int WanPort(Region from, Region to, int router)
        => BasePort + 220 + (90 * router) + (10 * from.Index) + to.Index;

    /// <summary>The relay's port for what goes from a region to a sync node of another.</summary>
    public int WanSyncPort(Region from, Region to, int node)
        => BasePort + 400 + (90 * node) + (10 * from.Index) + to.Index;

    /// <summary>The relay's port for what goes from a region to a compliance service of another.</summary>
    public int WanCompliancePort(Region from, Region to, int node)
        => BasePort + 580 + (90 * node) + (10 * from.Index) + to.Index;

    /// <summary>Measured between regions of such names by several clouds: about these.</summary>
    public static int RoundTripMs(Region from, Region to)
        => (Math.Min(from.Index, to.Index), Math.Max(from.Index, to.Index)) switch
        {
            (0, 1) => 80,
            (0, 2) => 220,
            _ => 150,
        };

    /// <summary>The same at every start, as a volume that outlives it asks for, and known to this machine
    /// only.</summary>
    public string Secret(string use) => Convert.ToHexStringLower(HMACSHA256.HashData(
        File.ReadAllBytes(Path.Combine(Home, "pki", "ca.key")), Encoding.UTF8.GetBytes(use)));

    /// <summary>The folder of a service's keys: set-up's on this machine, a mounted one in a container.</summary>
    public string Pki(Region region, string service, bool publishing)
        => publishing ? "/etc/lepton/pki" : Path.Combine(Home, "pki", "services", region.Name, service);

    [GeneratedRegex("^[a-z][a-z0-9-]{1,30}$")]
    private static partial Regex RegionName { get; }

    private static string OneOf(IConfiguration lepton, string key, string standard, string other)
        => lepton[key] is not { Length: > 0 } value ? standard
            : value == standard || value == other ? value
            : throw new DistributedApplicationException($"Lepton:{key} takes {standard} or {other}, not '{value}'.");
}
