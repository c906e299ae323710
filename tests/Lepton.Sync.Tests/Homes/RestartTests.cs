using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.Homes;

/// <summary>P3, S4: a home that was restarted is a home as before.</summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class RestartTests(SyncServer server)
{
    [Fact]
    public async Task Put_ItsHomeWasRestarted_IsConfirmedAgain()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        TestKeeper a = world["eu-west-a"];
        int own = 0;
        while ((await a.Topology.LocateAsync(new LocateRequest { Key = Calls.Key("eu-personal", $"k{own}") },
            Calls.Options)).Replicas.Single(r => r.Home).Node != a.Name)
            own++;
        await a.PutAsync("eu-personal", $"k{own}", "before", level: WriteLevel.Zone);

        await a.StopAsync();
        await a.StartAsync();

        await Calls.EventuallyAsync(async () => (await a.PutAsync(
            "eu-personal", $"k{own}", "after", level: WriteLevel.Zone)).Durability.ZoneConfirmed);
    }
}
