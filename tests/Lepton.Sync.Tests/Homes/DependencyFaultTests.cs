using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Sync.Tests.Replication.World;
using Lepton.Sync.Tests.World;
using Npgsql;

namespace Lepton.Sync.Tests.Homes;

/// <summary>What a caller hears when a dependency of the node's fails: a reason and what it is about, never
/// INTERNAL.</summary>
public sealed class DependencyFaultTests
{
    public static TheoryData<Exception, StatusCode, string, string?> Faults => new()
    {
        { new KeyStoreFullException(100), StatusCode.ResourceExhausted, "KEY_STORE_FULL", "Sync:Keys:KeysMax" },
        { new KeyStoreUnavailableException(new IOException("full")), StatusCode.Unavailable, "KEY_STORE_UNAVAILABLE",
            "Sync:Keys:StoreDirectory" },
        { new KeyErasedException(default), StatusCode.Unavailable, "KEY_STORE_UNAVAILABLE",
            "Sync:Keys:StoreDirectory" },
        { new DatabaseUnavailableException("x"), StatusCode.Unavailable, "DATABASE_UNAVAILABLE", null },
        { new NpgsqlException("x"), StatusCode.Unavailable, "DATABASE_UNAVAILABLE", null },
        { new InvalidOperationException("by EF Core", new NpgsqlException("x")), StatusCode.Unavailable,
            "DATABASE_UNAVAILABLE", null },
        { new DatabaseOutcomeUnknownException("x"), StatusCode.Unknown, "WRITE_OUTCOME_UNKNOWN", null },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void OfFault_ADependencys_HasAReason(Exception fault, StatusCode status, string reason, string? setting)
    {
        RpcException known = SyncErrors.OfFault(fault)!;

        Assert.Equal((status, reason), (known.StatusCode, RpcErrors.ReasonOf(known)));
        if (setting is not null)
            Assert.Contains(setting, RpcErrors.InfoOf(RpcErrors.DetailsOf(known))!.Metadata.Values);
    }

    [Fact]
    public void OfFault_ABug_IsNone()
    {
        Assert.Null(SyncErrors.OfFault(new InvalidOperationException("a bug")));
        Assert.Null(SyncErrors.OfFault(new IOException("of something else")));
    }

    /// <summary>Between nodes reasons are names: each must come back as itself.</summary>
    [Fact]
    public void ReasonOf_EveryRefusal_IsItsOwn()
    {
        HomeReason[] reasons = [.. Enum.GetValues<HomeReason>().Where(r => r != HomeReason.Ok)];

        Assert.Equal(reasons.Length, reasons.Select(SyncErrors.ReasonOf).Distinct().Count());
        Assert.All(reasons, r => Assert.NotEmpty(SyncErrors.MessageOf(WriteReply.Failed(r))));
    }

    [Fact]
    public void Watch_ANodeThatLacksSlots_NamesThoseThatDoNot()
    {
        SlotMap partly = Maps.Map(slot => slot == 7 ? [0, 1] : [0, 1, 2], _ => 1);
        Topology map = Maps.Make(1, [0, 1, 2], [0, 1]);
        map = new Topology(1, map.Classes, map.Nodes, [partly, map.MapOf(new ClassId(1))]);
        RecordClass shared = map[new ClassId(0)];

        string[] holders = [.. RecordWatches.Holders(map, shared).Select(n => n.Name)];
        RpcException refusal = SyncErrors.WatchElsewhere(shared, "us-a", holders);

        Assert.Equal(["eu-a", "eu-b"], holders);
        Assert.Equal("eu-a,eu-b", RpcErrors.InfoOf(RpcErrors.DetailsOf(refusal))!.Metadata["nodes"]);
        Assert.Contains("ask eu-a or eu-b", refusal.Status.Detail, StringComparison.Ordinal);
    }
}

/// <summary>The same over the socket.</summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class FullKeyStoreTests(SyncServer server)
{
    [Fact]
    public async Task Put_MoreSubjectsThanKeysMax_IsRefusedWithTheOption()
    {
        await using TestSync world = await TestSync.StartAsync(
            server, ["eu-west-a"], new() { ["Sync:Keys:KeysMax"] = "100" });
        TestKeeper keeper = world.Keepers[0];
        RpcException? refused = null;
        int written = 0;
        for (; refused is null && written <= 100; written += refused is null ? 1 : 0)
            try
            {
                await keeper.PutAsync("public", $"k{written}", "x", subject: $"s{written}",
                    level: V1.WriteLevel.Local);
            }
            catch (RpcException e)
            {
                refused = e;
            }

        Assert.Equal((StatusCode.ResourceExhausted, "KEY_STORE_FULL"),
            (refused!.StatusCode, RpcErrors.ReasonOf(refused)));
        Assert.Equal("Sync:Keys:KeysMax", RpcErrors.InfoOf(RpcErrors.DetailsOf(refused))!.Metadata["limit"]);
        Assert.InRange(written, 90, 100);
        // Who has a key goes on.
        await keeper.PutAsync("public", "k0", "y", subject: "s0", level: V1.WriteLevel.Local);
    }
}
