using System.Text;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Placement;

/// <summary>Requirement S2: the reference placement and its worked example.</summary>
public sealed class ModuloPlacementTests
{
    private readonly ModuloPlacement _modulo = new();

    [Fact]
    public void Place_WorkedExample_IsExact()
    {
        SyncNode[] nodes = Worlds.Nodes("us-east-a", "us-east-b", "us-east-c");
        SlotMap map = _modulo.Place(Worlds.Class(["us-east"], copyZones: 1), nodes, null, 1);

        int[] shards = [.. new[] { "10", "20", "30", "40", "50" }.Select(key =>
            (int)map.Home(_modulo.SlotOf(Encoding.UTF8.GetBytes($"demo/{key}"), 3)).Value)];

        Assert.Equal([1, 2, 0, 1, 2], shards);
    }

    [Theory]
    [InlineData("10", 3, 1)]
    [InlineData("demo/10", 3, 1)]
    [InlineData("0", 3, 0)]
    [InlineData("-1", 3, 2)]
    [InlineData("-3", 3, 0)]
    [InlineData("-0", 3, 0)]
    [InlineData("9223372036854775808", 7, 1)] // 2^63 = 8^21, and 8 mod 7 = 1
    [InlineData("100000000000000000000000000000000000000001", 10, 1)]
    public void ShardOf_WholeNumber_IsItsRemainder(string key, int shards, int expected) =>
        Assert.Equal(expected, ModuloPlacement.ShardOf(Encoding.UTF8.GetBytes(key), shards));

    [Theory]
    [InlineData("demo/orders")]
    [InlineData("1.5")]
    [InlineData("+1")]
    [InlineData("-")]
    [InlineData("demo/")]
    [InlineData("1 ")]
    public void ShardOf_AnyOtherKey_IsItsHashsRemainder(string key)
    {
        byte[] stored = Encoding.UTF8.GetBytes(key);

        Assert.Equal((int)(KeyHash.Of(stored) % 3), ModuloPlacement.ShardOf(stored, 3));
    }

    [Fact]
    public void SlotOf_AnyNumberAndAnyCount_LeadsToTheSameShard()
    {
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            int homes = random.Next(1, 4097);
            long number = random.NextInt64();
            byte[] key = Encoding.UTF8.GetBytes($"{number}");

            Assert.Equal(number % homes, _modulo.SlotOf(key, homes).Value % homes);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4097)]
    public void ShardOf_NoSuchCount_IsRefused(int shards) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ModuloPlacement.ShardOf("1"u8, shards));
}
