using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Wire;
using Lepton.Testing;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>The three nodes of <see cref="Maps"/>, each behind a wire of its own that can be cut.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly IReadOnlyList<PostgresServer> _servers;
    private readonly string[] _connections;
    private readonly string[] _spools;
    private readonly TestNode?[] _nodes;
    private readonly Dictionary<string, string?>? _settings;
    private Topology _map;

    private TestCluster(IReadOnlyList<PostgresServer> servers, string[] connections, Topology map,
        Dictionary<string, string?>? settings)
    {
        (_servers, _connections, _map, _settings) = (servers, connections, map, settings);
        _spools = [.. connections.Select(_ => Directory.CreateTempSubdirectory("lepton-spool-").FullName)];
        _nodes = new TestNode?[connections.Length];
        Wires = [.. connections.Select(_ => new CuttingRelay())];
    }

    public TestInstallation Installation { get; } = new();

    /// <summary>Node i is reached over wire i.</summary>
    public CuttingRelay[] Wires { get; }

    public TestNode this[int node] => _nodes[node] ?? throw new InvalidOperationException($"Node {node} is down.");

    public static async Task<TestCluster> StartAsync(IReadOnlyList<PostgresServer> servers, Topology map,
        int? liar = null, Func<PeerService, V1.PeerService.PeerServiceBase>? lie = null,
        Dictionary<string, string?>? settings = null)
    {
        List<string> connections = [];
        foreach (PostgresServer server in servers)
            connections.Add(await server.CreateDatabaseAsync());
        TestCluster cluster = new(servers, [.. connections], map, settings);
        for (int i = 0; i < servers.Count; i++)
            await cluster.StartAsync(i, i == liar ? lie : null);
        return cluster;
    }

    public async Task StartAsync(int node, Func<PeerService, V1.PeerService.PeerServiceBase>? lie = null)
    {
        _nodes[node] = await TestNode.StartAsync(Installation, Maps.Nodes[node], _map, _connections[node],
            [.. Wires.Select(w => w.Url)], _spools[node], lie, _settings);
        this[node].Maps.Store(() => _map);
        Wires[node].Target = this[node].Port;
    }

    public async Task StopAsync(int node)
    {
        Wires[node].Target = null;
        await this[node].DisposeAsync();
        _nodes[node] = null;
    }

    /// <summary>Everybody may learn of a new map; these nodes have it now.</summary>
    public void Publish(Topology map, params int[] known)
    {
        _map = map;
        foreach (int node in known)
            this[node].Maps.Set(map);
    }

    /// <summary>Waits until a node holds exactly the rows of another that it may hold.</summary>
    public Task SameAsync(int home, int replica, string where = "true") => Until.TrueAsync(
        async () => Rows.Digest(await this[home].Store.AllAsync(where))
            == Rows.Digest(await this[replica].Store.AllAsync(where)),
        $"node {replica} holds what node {home} holds");

    /// <summary>Waits until every slot of a home is whole at a replica.</summary>
    public Task WholeAsync(int home, int replica) => Until.TrueAsync(
        () => this[replica].Lag.SightOf(new NodeId((short)home)) is not null
            && this[replica].Slots.LeftOf(new NodeId((short)home)) == 0,
        $"node {replica} has node {home}'s slots");

    public async ValueTask DisposeAsync()
    {
        foreach (TestNode? node in _nodes)
            if (node is not null)
                await node.DisposeAsync();
        foreach ((PostgresServer server, string connection) in _servers.Zip(_connections))
            await server.DropDatabaseAsync(connection);
        foreach (CuttingRelay wire in Wires)
            await wire.DisposeAsync();
        foreach (string spool in _spools)
            Directory.Delete(spool, recursive: true);
        Installation.Dispose();
    }
}
