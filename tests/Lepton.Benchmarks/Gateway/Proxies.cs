using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lepton.Testing;

namespace Lepton.Benchmarks.Gateway;

/// <summary>Where load can go: the node itself, or a proxy before it.</summary>
/// <param name="Name">In the table and in the keys.</param>
/// <param name="Process">Whose processor time a request costs; the node itself for direct.</param>
internal sealed record Target(string Name, Child Process, int H2c, int Tls);

/// <summary>The node and every proxy before it, each a process on its cores.</summary>
internal sealed class Proxies : IAsyncDisposable
{
    private readonly List<Child> _children = [];
    private readonly TestInstallation _installation = new();

    private Proxies() => Files = BenchFiles.Make(_installation);

    public BenchFiles Files { get; }

    public required PeerTools Tools { get; init; }

    public Cores Cores { get; } = Cores.OfThisMachine();

    public Child Node { get; private set; } = null!;

    public List<Target> Targets { get; } = [];

    public Target this[string name] => Targets.Single(t => t.Name == name);

    public static async Task<Proxies> StartAsync(PeerTools tools, CancellationToken cancellation)
    {
        Proxies all = new() { Tools = tools };
        try
        {
            await all.StartAllAsync(cancellation);
            return all;
        }
        catch
        {
            await all.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Child child in _children)
            await child.DisposeAsync();
        _installation.Dispose();
    }

    private async Task StartAllAsync(CancellationToken cancellation)
    {
        Node = Keep(Child.StartSelf(Upstream.Role, Cores.Load, Settings.Environment, Files.Folder));
        int node = int.Parse(await Node.ReadLineAsync(cancellation), CultureInfo.InvariantCulture);
        Targets.Add(new Target("direct", Node, node, 0));

        (int h2c, int tls) = (FreePort(), FreePort());
        Child haproxy = Keep(Child.Start("haproxy", Cores.Proxy, Tools.Environment,
            Tools.HaProxy, "-db", "-f", Files.Configure("haproxy.cfg", h2c, tls, node)));
        await AddAsync(new Target("haproxy", haproxy, h2c, tls), cancellation);

        (h2c, tls) = (FreePort(), FreePort());
        Child nginx = Keep(Child.Start("nginx", Cores.Proxy, Tools.Environment,
            Tools.Nginx, "-p", Files.Folder, "-c", Files.Configure("nginx.conf", h2c, tls, node)));
        await AddAsync(new Target("nginx", nginx, h2c, tls), cancellation);

        h2c = FreePort();
        Child bare = Keep(Child.StartSelf(BareFront.Role, Cores.Proxy, LeptonFront.Environment,
            Text(h2c), Text(node)));
        await bare.ReadLineAsync(cancellation);
        await AddAsync(new Target("bare", bare, h2c, 0), cancellation);

        (h2c, tls) = (FreePort(), FreePort());
        Child lepton = Keep(Child.StartSelf(LeptonFront.Role, Cores.Proxy, LeptonFront.Environment,
            Files.Folder, Text(h2c), Text(tls), Text(node)));
        await lepton.ReadLineAsync(cancellation);
        await AddAsync(new Target("lepton", lepton, h2c, tls), cancellation);
    }

    // Listens: a proxy that did not start is found here, with what it said.
    private async Task AddAsync(Target target, CancellationToken cancellation)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                using TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, target.H2c, cancellation);
                Targets.Add(target);
                return;
            }
            catch (SocketException) when (tries < 100 && !target.Process.HasExited)
            {
                await Task.Delay(50, cancellation);
            }
            catch (SocketException e)
            {
                throw target.Process.Failed($"does not listen: {e.Message}");
            }
        }
    }

    private Child Keep(Child child)
    {
        _children.Add(child);
        return child;
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
