using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Grpc.Net.Client;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// The real platform, started as a person starts it, once for all tests; stopped and wiped at the end, with proof
/// that nothing is left.
/// </summary>
public class Platform : IAsyncLifetime
{
    public static readonly string[] Regions = ["us-east", "eu-west", "ap-southeast"];

    private const int PortsPerRegion = 20;

    private readonly string profile;
    private readonly string instance;
    private readonly int basePort = FreeRange();
    private JsonElement file;

    public Platform()
        : this("main")
    {
    }

    /// <param name="profile">The main job's services, or all of them (<c>full</c>).</param>
    protected Platform(string profile) =>
        (this.profile, instance) = (profile, $"e2e-{profile}-{Environment.ProcessId}");

    public string StartReport { get; private set; } = "";

    public string BasePort => $"{basePort}";

    public string DashboardUrl => Dashboard("url");

    public string OtlpUrl => Dashboard("otlp_url");

    public string ResourceServiceUrl => Dashboard("resource_service_url");

    public string ResourceServiceApiKey => Dashboard("resource_service_api_key");

    public string LoginUrl => $"{DashboardUrl}/login?t={Dashboard("login_token")}";

    public string TelemetryApiKey => Dashboard("telemetry_api_key");

    /// <summary>The TLS ports of all of ours that run: routers, nodes, keepers of records, compliance.</summary>
    public IEnumerable<int> ServicePorts => Enumerable.Range(1, Regions.Length)
        .SelectMany(region => (profile == "full" ? (int[])[0, 1, 2, 4, 5, 6, 7, 8] : [0, 1, 2, 4])
            .Select(offset => basePort + (PortsPerRegion * region) + offset));

    public IEnumerable<int> GatewayPorts => Regions.SelectMany(Gateways).Select(url => new Uri(url).Port);

    public string LoginFile => Path.Combine(Folder, "login.json");

    private string Folder => Path.Combine(CliProcess.Home, "instances", instance);

    public async Task InitializeAsync()
    {
        CliResult up = await CliProcess.RunAsync("up", "--detach", "--profile", profile, "--instance", instance,
            "--base-port", $"{basePort}", "--regions", string.Join(',', Regions), "--timeout", "300");
        if (up.ExitCode != 0)
            await CliProcess.RunAsync("down", "--wipe", "--instance", instance);
        StartReport = up.Require().Output;
        file = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, "platform.json"))).RootElement;
    }

    public async Task DisposeAsync()
    {
        (await CliProcess.RunAsync("down", "--wipe", "--instance", instance)).Require();
        Assert.Empty(Processes());
        Assert.False(Directory.Exists(Folder));
        Assert.All(ServicePorts, port => Assert.True(IsFree(port), $"port {port} is still taken"));
    }

    /// <summary>A command on this platform.</summary>
    internal Task<CliResult> RunAsync(params string[] arguments) =>
        CliProcess.RunAsync([.. arguments, "--instance", instance]);

    /// <summary>Starts a command on this platform that talks while it runs.</summary>
    internal Process Start(params string[] arguments) => CliProcess.Start([.. arguments, "--instance", instance]);

    /// <summary>Where people log in.</summary>
    public string Issuer => file.GetProperty("identity").GetProperty("issuer_url").GetString()!;

    /// <summary>A command to a gateway, with time for a machine that runs other tests meanwhile.</summary>
    internal Task<CliResult> AskAsync(params string[] arguments) => RunAsync([.. arguments, "--timeout", "120"]);

    public string Gateway(string region) => file.GetProperty("regions").EnumerateArray()
        .Single(r => r.GetProperty("name").GetString() == region).GetProperty("gateway_url").GetString()!;

    public string[] Gateways(string region) => [.. file.GetProperty("regions").EnumerateArray()
        .Single(r => r.GetProperty("name").GetString() == region).GetProperty("gateway_urls").EnumerateArray()
        .Select(url => url.GetString()!)];

    /// <summary>A gRPC channel as any client of tenant demo opens one, with nothing of Lepton's own code.</summary>
    public GrpcChannel Open(string region) => GrpcChannel.ForAddress(Gateway(region), new GrpcChannelOptions
    {
        HttpHandler = Handler(withCertificate: true),
        DisposeHttpClient = true,
    });

    /// <summary>Connects as a service of a region, for example its Prometheus.</summary>
    public SocketsHttpHandler ServiceHandler(string region, string service)
    {
        SocketsHttpHandler handler = Handler(withCertificate: false);
        string folder = $"services/{region}/{service}";
        handler.SslOptions.ClientCertificates =
            [X509Certificate2.CreateFromPemFile(Pki($"{folder}/tls.crt"), Pki($"{folder}/tls.key"))];
        return handler;
    }

    public SocketsHttpHandler Handler(bool withCertificate)
    {
        SocketsHttpHandler handler = new() { UseProxy = false };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(Pki("ca.crt")) },
        };
        if (withCertificate)
            handler.SslOptions.ClientCertificates = [TenantCertificate()];
        return handler;
    }

    public static X509Certificate2 TenantCertificate() =>
        X509Certificate2.CreateFromPemFile(Pki("clients/demo/tls.crt"), Pki("clients/demo/tls.key"));

    public static string Pki(string path) => Path.Combine(CliProcess.Home, "pki", path);

    /// <summary>Every process that carries this instance's marker.</summary>
    public IReadOnlyList<int> Processes()
    {
        byte[] marker = Encoding.UTF8.GetBytes($"LEPTON_INSTANCE={Folder}\0");
        return [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out int pid) ? pid : 0)
            .Where(pid => pid > 0 && Carries(pid, marker))];
    }

    private string Dashboard(string property) => file.GetProperty("dashboard").GetProperty(property).GetString()!;

    private static bool Carries(int pid, byte[] marker)
    {
        try
        {
            return File.ReadAllBytes($"/proc/{pid}/environ").AsSpan().IndexOf(marker) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// A base whose whole plan is free now, below the range from which the kernel gives out ports by itself.
    /// </summary>
    private static int FreeRange()
    {
        const int planSize = 700;
        for (int candidate = 12_000; candidate < 30_000; candidate += planSize)
        {
            if (Enumerable.Range(candidate, planSize).All(IsFree))
                return candidate;
        }

        throw new InvalidOperationException("No free range of ports.");
    }

    private static bool IsFree(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

[CollectionDefinition(Name)]
public sealed class PlatformCollection : ICollectionFixture<Platform>
{
    public const string Name = "platform";
}
