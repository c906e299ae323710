using System.Globalization;
using Lepton.Sync.Tests.Replication.World;
using Lepton.Sync.Tests.World;
using Lepton.Testing;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>
/// Two regions of two zones: four processes, a PostgreSQL server each, and a wire from each node to each other, over
/// which it calls. The last one's server and spool lie on a disk of their own that can be full.
/// </summary>
internal sealed class LedgerWorld : IAsyncDisposable
{
    public static readonly string[] Names = ["us-east-a", "us-east-b", "eu-west-a", "eu-west-b"];

    private readonly Dictionary<(int From, int To), CuttingRelay> _wires = [];

    private LedgerWorld(SmallDisk disk, PostgresServer[] servers, TestSync nodes)
    {
        (Disk, Servers, Sync) = (disk, servers, nodes);
        for (int from = 0; from < Names.Length; from++)
            for (int to = 0; to < Names.Length; to++)
                if (from != to)
                    _wires[(from, to)] = new CuttingRelay { Target = new Uri(nodes[Names[to]].Url).Port };
        Nodes = [.. Names.Select((name, i) => new ProcessNode(nodes[name], SettingsOf(i)))];
    }

    public SmallDisk Disk { get; }

    public PostgresServer[] Servers { get; }

    public TestSync Sync { get; }

    public ProcessNode[] Nodes { get; }

    public static async Task<LedgerWorld> StartAsync()
    {
        SmallDisk disk = new();
        PostgresServer[] servers = [.. Names.Select((_, i) => new PostgresServer("sync", replicates: true,
            i == Names.Length - 1 ? disk.Folder("postgres") : null))];
        try
        {
            await Task.WhenAll(servers.Select(s => s.InitializeAsync()));
            LedgerWorld world = new(disk, servers, await TestSync.PrepareAsync(servers, Names));
            foreach (ProcessNode node in world.Nodes)
                await node.StartAsync();
            return world;
        }
        catch
        {
            await EndAsync(disk, servers);
            throw;
        }
    }

    /// <summary>Wires on which calls of one region to the other go; of both ways if asked for.</summary>
    public IEnumerable<CuttingRelay> BetweenRegions(bool bothWays = true) => _wires
        .Where(w => IsFirst(w.Key.From) != IsFirst(w.Key.To) && (bothWays || IsFirst(w.Key.From)))
        .Select(w => w.Value);

    public async ValueTask DisposeAsync()
    {
        foreach (ProcessNode node in Nodes)
            await node.DisposeAsync();
        foreach (CuttingRelay wire in _wires.Values)
            await wire.DisposeAsync();
        await Sync.DisposeAsync();
        await EndAsync(Disk, Servers);
    }

    private static async Task EndAsync(SmallDisk disk, PostgresServer[] servers)
    {
        foreach (PostgresServer server in servers)
            await server.DisposeAsync();
        await disk.DisposeAsync();
    }

    private static bool IsFirst(int node) => node < Names.Length / 2;

    private Dictionary<string, string> SettingsOf(int node)
    {
        Dictionary<string, string> settings = [];
        foreach ((var (from, to), CuttingRelay wire) in _wires)
            if (from == node)
                settings[string.Create(CultureInfo.InvariantCulture, $"Sync:Nodes:{to}:Url")] = wire.Url;
        if (node == Names.Length - 1)
            settings["Sync:Replication:SpoolDirectory"] = Disk.Folder("spool");
        return settings;
    }
}
