using System.Net.Http;
using System.Security.Cryptography;
using Lepton.Cli.Gateway;
using Lepton.Cli.Login;
using Lepton.Cli.Output;

namespace Lepton.Cli.Platform;

/// <summary>Brings an instance up: certificates, ports, app host, then waits until everything is ready.</summary>
internal sealed class Startup(Session session, Instance instance, UpOptions options)
{
    private readonly StartTimes times = new(session.Time);

    public StartTimes Times => times;

    public async Task<PlatformFile> RunAsync(CancellationToken cancellation)
    {
        await StopLeftoversAsync(cancellation);
        PortCheck.RequireFree(options.Ports.All(), session.Processes);
        await new Certificates(session.Installation).IssueAsync(options.Regions, cancellation);
        times.Reached("certificates", "certificates");
        session.Terminal.Line($"  {Amounts.Seconds(times.Elapsed),7}  certificates are in order");

        DashboardAccess dashboard = NewDashboardAccess();
        AppHost host = new(session.Installation, instance);
        File.Delete(instance.AppHostLog);
        ProcessId appHost = host.Start(options, dashboard, session.Processes);
        PlatformFile platform = Describe(appHost, dashboard);
        platform.Write(instance.PlatformFile);
        try
        {
            await WaitAsync(platform, cancellation);
        }
        catch (Exception)
        {
            // Whatever went wrong, half a platform is not left behind.
            session.Terminal.Line("Stopping what was started ...");
            await StopAsync(appHost);
            throw;
        }

        platform = platform with { State = PlatformState.Running };
        platform.Write(instance.PlatformFile);
        return platform;
    }

    /// <summary>Stops the instance and forgets it; says so when something could not be stopped.</summary>
    public async Task StopAsync(ProcessId appHost)
    {
        // Removed first: whoever watches the app host can then tell a stop from a crash.
        File.Delete(instance.PlatformFile);
        ShutdownReport report = await new Shutdown(session.Processes, session.Time)
            .RunAsync(instance, appHost, CancellationToken.None);
        foreach (ProcessRow row in report.Remaining)
        {
            session.Terminal.Progress($"Process {row.Id.Pid} ({row.Name}) could not be stopped.");
        }
    }

    private async Task StopLeftoversAsync(CancellationToken cancellation)
    {
        ShutdownReport report = await new Shutdown(session.Processes, session.Time)
            .RunAsync(instance, null, cancellation);
        if (report.Processes > 0)
        {
            session.Terminal.Line($"  {report.Processes} processes of an earlier run that crashed were stopped");
        }
    }

    private async Task WaitAsync(PlatformFile platform, CancellationToken cancellation)
    {
        using ResourceServiceClient resources = new(platform.Dashboard);
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
        // One by one: any of them answering for the other would hide that it is not there.
        GatewayClient[] gateways = [.. platform.Regions.SelectMany(region => region.GatewayUrls.Select(url =>
            GatewayClient.Open(
                session.Installation, region with { GatewayUrls = [url] }, platform.AuthorityFile, "demo")))];
        try
        {
            using HttpClient identity = AuthorityTrust.Connect(platform.AuthorityFile);
            PlatformMilestones milestones = new(platform, gateways, http, identity);
            DeathWatch deaths = new(session, instance, platform.AppHost, resources);
            using StartProgress progress = new(session.Terminal, times);
            await new Readiness(session.Time).WaitAsync(
                milestones.All(), options.Timeout, deaths.LookAsync, progress, cancellation);
        }
        finally
        {
            Array.ForEach(gateways, g => g.Dispose());
        }
    }

    private PlatformFile Describe(ProcessId appHost, DashboardAccess dashboard) => new()
    {
        Instance = instance.Name,
        State = PlatformState.Starting,
        AppHost = appHost,
        StartTime = session.Time.GetUtcNow(),
        Profile = options.Profile,
        Zones = options.Zones,
        Wan = options.Wan,
        Postgres = options.PostgresKind,
        BasePort = options.BasePort,
        Regions = [.. options.Regions.Select((name, i) => new PlatformRegion
        {
            Name = name,
            GatewayUrl = options.Ports.Gateways(i)[0],
            GatewayUrls = options.Ports.Gateways(i),
            SyncUrls = options.Records ? options.Ports.SyncNodes(i) : [],
            ComplianceUrls = options.Records ? options.Ports.ComplianceNodes(i) : [],
            Nodes = [.. "ab".Take(options.Zones).Select(zone => $"inference-{name}-{zone}")],
        })],
        Dashboard = dashboard,
        // With a container's database there is none: its address is not known before it runs.
        Identity = options.PostgresKind == "container"
            ? null
            : new PlatformIdentity { IssuerUrl = options.Ports.Identity },
        AuthorityFile = session.Installation.Authority,
    };

    private DashboardAccess NewDashboardAccess() => new()
    {
        Url = options.Ports.Dashboard,
        LoginToken = Secret(),
        OtlpUrl = options.Ports.OtlpGrpc,
        OtlpApiKey = Secret(),
        TelemetryApiKey = Secret(),
        ResourceServiceUrl = options.Ports.ResourceService,
        ResourceServiceApiKey = Secret(),
    };

    private static string Secret() => RandomNumberGenerator.GetHexString(32, lowercase: true);
}
