using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Lepton.Benchmarks.Failover;

/// <summary>A node as the topology has it.</summary>
internal sealed record BenchNodeSite(string Name, string Region, int Port);

/// <summary>
/// A platform of the bench's own, started as a person starts one: real processes on ports of their own.
/// </summary>
internal sealed class BenchPlatform(string home, int basePort) : IAsyncDisposable
{
    public static readonly string[] Regions = ["us-east", "eu-west", "ap-southeast"];

    private readonly string _instance = $"failover-{Environment.ProcessId}";

    public string PolicyFile { get; } = Path.Combine(Root(home), "deploy", "residency.json");

    public IReadOnlyList<BenchNodeSite> Nodes { get; } = [.. Regions.SelectMany((region, i) => new[]
    {
        new BenchNodeSite($"inference-{region}-a", region, Port(basePort, i) + 1),
        new BenchNodeSite($"inference-{region}-b", region, Port(basePort, i) + 2),
    })];

    public Task StartAsync() => RunAsync(
        "up", "--detach", "--base-port", Text(basePort), "--regions", string.Join(',', Regions), "--timeout", "300");

    /// <summary>Both gateways of a region.</summary>
    public static IEnumerable<int> Gateways(int basePort, string region)
    {
        int first = Port(basePort, Array.IndexOf(Regions, region));
        return [first, first + 4];
    }

    /// <summary>SIGKILL to these resources' processes and all their descendants, as close together as can be.</summary>
    public async Task KillAsync(IReadOnlyCollection<string> resources)
    {
        using JsonDocument status = JsonDocument.Parse(await RunAsync("status", "--json"));
        int[] roots = [.. status.RootElement.GetProperty("resources").EnumerateArray()
            .Where(r => resources.Contains(r.GetProperty("name").GetString()))
            .Select(r => r.GetProperty("pid").GetInt32())];
        if (roots.Length != resources.Count)
            throw new InvalidOperationException($"Not all of {string.Join(", ", resources)} run.");
        foreach (int pid in WithDescendants(roots))
        {
            using Process process = Process.GetProcessById(pid);
            process.Kill();
        }
    }

    /// <summary>By the Aspire resource commands; ends when all are healthy.</summary>
    public Task StartAgainAsync(IEnumerable<string> resources) => RunAsync(["start", .. resources]);

    /// <summary>An HTTP client that nodes take for a router of their region: metrics are for services.</summary>
    public HttpClient Scraper(string region)
    {
        string keys = Path.Combine(home, "pki", "services", region, "routing");
        return new HttpClient(Handler(Path.Combine(keys, "tls.crt"), Path.Combine(keys, "tls.key")))
        {
            DefaultRequestVersion = HttpVersion.Version20, Timeout = TimeSpan.FromSeconds(10),
        };
    }

    /// <summary>What a client of tenant demo connects with.</summary>
    public SocketsHttpHandler TenantHandler()
    {
        string keys = Path.Combine(home, "pki", "clients", "demo");
        return Handler(Path.Combine(keys, "tls.crt"), Path.Combine(keys, "tls.key"));
    }

    public async ValueTask DisposeAsync() => await RunAsync("down", "--wipe");

    private SocketsHttpHandler Handler(string certificate, string key)
    {
        SocketsHttpHandler handler = new() { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(3) };
        handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore =
            {
                X509CertificateLoader.LoadCertificateFromFile(Path.Combine(home, "pki", "ca.crt")),
            },
        };
        return handler;
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        ProcessStartInfo start = new(
            Path.Combine(home, "build", "bin", "Lepton.Cli", "release", "Lepton.Cli"),
            [.. arguments, "--instance", _instance])
        {
            WorkingDirectory = Root(home), RedirectStandardOutput = true,
        };
        start.Environment["LEPTON_ROOT"] = Root(home);
        start.Environment["LEPTON_HOME"] = home;
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("lepton did not start.");
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        // status says 3 when something is not whole, which is what this bench is about.
        return process.ExitCode is 0 || (arguments[0] == "status" && process.ExitCode == 3)
            ? output
            : throw new InvalidOperationException($"lepton {string.Join(' ', arguments)}: exit {process.ExitCode}\n"
                + output);
    }

    private static List<int> WithDescendants(IEnumerable<int> roots)
    {
        ILookup<int, int> children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out int pid) ? pid : 0)
            .Where(pid => pid > 0)
            .ToLookup(ParentOf);
        List<int> all = [.. roots];
        for (int i = 0; i < all.Count; i++)
            all.AddRange(children[all[i]]);
        return all;
    }

    /// <summary>0 when it has just ended.</summary>
    private static int ParentOf(int pid)
    {
        try
        {
            // pid (name) state parent: the name may hold anything, its closing bracket is the last.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static int Port(int basePort, int region) => basePort + (20 * (region + 1));

    private static string Root(string home) => Path.GetFullPath("..", home);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
