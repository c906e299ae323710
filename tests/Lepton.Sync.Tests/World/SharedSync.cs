namespace Lepton.Sync.Tests.World;

/// <summary>Two zones of eu-west and one of us-east, for tests that break nothing.</summary>
public sealed class SharedSync(SyncServer server) : IAsyncLifetime
{
    private TestSync? _world;

    internal TestSync World => _world!;

    internal TestKeeper WestA => World["eu-west-a"];

    internal TestKeeper WestB => World["eu-west-b"];

    internal TestKeeper EastA => World["us-east-a"];

    public async Task InitializeAsync() =>
        _world = await TestSync.StartAsync(server, ["us-east-a", "eu-west-a", "eu-west-b"]);

    public async Task DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
    }
}
