using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.Homes;

/// <summary>P3: a home is gone. Reads go on, writes wait for an operator, nothing acknowledged is lost.</summary>
[Collection("postgres")]
public sealed class PromotionTests(SyncServer server)
{
    [Fact]
    public async Task Promote_HomeGone_ReplicaServesAndTheOldHomeFollows()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        TestKeeper a = world["eu-west-a"], b = world["eu-west-b"];
        Dictionary<string, string> written = [];
        for (int i = 0; i < 50; i++)
            written[$"k{i}"] = (await a.PutAsync("eu-personal", $"k{i}", $"v{i}")).Version;
        Assert.Equal("HOME_REACHABLE", await Calls.RefusalAsync(async () => await b.Topology.PromoteAsync(
            new PromoteRequest { Node = "eu-west-a" }, Calls.Options)));
        string key = await KeyAtAsync(b, "eu-west-a", written.Keys);

        await a.StopAsync();

        Assert.Equal($"v{key[1..]}", (await b.GetAsync("eu-personal", key, ReadConsistency.Local)).Text());
        // The first may go out on a connection that is gone, and is then not known.
        await Calls.EventuallyAsync(async () =>
            await Calls.RefusalAsync(() => b.PutAsync("eu-personal", key, "new")) == "HOME_UNAVAILABLE");
        await Calls.EventuallyAsync(async () => (await b.Topology.PromoteAsync(
            new PromoteRequest { Node = "eu-west-a" }, Calls.Options)).Epoch > 1);
        // Its only replica is gone: LOCAL is what can be had.
        await Calls.EventuallyAsync(async () =>
            (await b.PutAsync("eu-personal", key, "new", level: WriteLevel.Local)).Version.Length > 1);
        foreach ((string k, string version) in written)
            if (k != key)
                Assert.Equal(version, (await b.GetAsync("eu-personal", k)).Record.Version);

        await a.StartAsync();

        await Calls.EventuallyAsync(async () =>
            (await a.GetAsync("eu-personal", key, ReadConsistency.Local)).Text() == "new");
        await Calls.EventuallyAsync(async () =>
            (await a.PutAsync("eu-personal", key, "newer")).Durability.ZoneConfirmed);
        Assert.Equal("newer", (await b.GetAsync("eu-personal", key)).Text());
    }

    private static async Task<string> KeyAtAsync(TestKeeper asked, string home, IEnumerable<string> keys)
    {
        foreach (string key in keys)
        {
            LocateResponse place = await asked.Topology.LocateAsync(
                new LocateRequest { Key = Calls.Key("eu-personal", key) }, Calls.Options);
            if (place.Replicas.Single(r => r.Home).Node == home)
                return key;
        }
        throw new InvalidOperationException($"No key has its home at {home}.");
    }
}
