using Google.Protobuf;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: the topology that nodes agree on, as bytes; S6: none is read that breaks residency.</summary>
public sealed class TopologyDocumentTests
{
    [Fact]
    public void Read_WhatWriteWrote_IsTheSame()
    {
        Topology topology = Worlds.Of(5, ["us-east", "eu-west", "ap-southeast"], "us-east-c:250");

        byte[] bytes = TopologyDocument.Write(topology);
        Topology read = TopologyDocument.Read(bytes);

        Assert.Equal(5, read.Epoch);
        Assert.Equal(topology.Nodes, read.Nodes);
        RecordClass was = topology.Classes[0], got = read.Classes[0];
        Assert.Equal(was with { Regions = [] }, got with { Regions = [] });
        Assert.Equal(was.Regions, got.Regions);
        Assert.True(Worlds.AreSame(topology.MapOf(was.Id), read.MapOf(got.Id)));
        Assert.Equal(bytes, TopologyDocument.Write(read));
    }

    [Fact]
    public void Write_SixClassesOnSixNodes_IsCompact()
    {
        SyncNode[] nodes = Worlds.TwoRegions().Nodes.ToArray();
        RecordClass[] classes = [.. Enumerable.Range(0, 6).Select(i =>
            Worlds.Class(["us-east", "eu-west"], 2, name: $"c{i}", id: (short)i))];
        Topology topology = new(1, classes, nodes,
            [.. classes.Select(c => new MinimumMovePlacement().Place(c, nodes, null, 1))]);

        Assert.InRange(TopologyDocument.Write(topology).Length, 1, 64 << 10);
    }

    public static TheoryData<string, Action<V1.StoredTopology>> Breaks => new()
    {
        { "form", t => t.Format = 2 },
        { "epoch", t => t.Epoch = 0 },
        { "nodes", t => t.Nodes.Clear() },
        { "weight", t => t.Nodes[0].Weight = 0 },
        { "weight", t => t.Nodes[0].Weight = 1001 },
        { "node twice", t => t.Nodes[1].Zone = t.Nodes[0].Zone },
        { "class twice", t => t.Classes.Add(t.Classes[0].Clone()) },
        { "fit together", t => t.Classes[0].CopyRegions = 3 },
        { "fit together", t => t.Classes[0].HomeRegion = "ap-southeast" },
        { "slots", t => t.Classes[0].SlotLists.RemoveAt(0) },
        { "without a list", t => t.Classes[0].SlotLists[7] = 4000 },
        { "term", t => t.Classes[0].SlotTerms[7] = 2 },
        { "term", t => t.Classes[0].SlotTerms[7] = 0 },
        { "one that there is not", t => t.Classes[0].Lists[0].Nodes[0] = 9 },
        { "a node twice", t => t.Classes[0].Lists[0].Nodes[0] = t.Classes[0].Lists[0].Nodes[1] },
        { "empty", t => t.Classes[0].Lists[0].Nodes.Clear() },
        { "outside its regions", t => t.Nodes[0].Region = "ap-southeast" },
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public void Read_WhatCannotBe_IsRefused(string why, Action<V1.StoredTopology> change)
    {
        var stored = V1.StoredTopology.Parser.ParseFrom(TopologyDocument.Write(Worlds.TwoRegions()));
        change(stored);

        var fault = Assert.Throws<InvalidDataException>(() => TopologyDocument.Read(stored.ToByteArray()));

        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AnyBytes_ThrowsNothingElse()
    {
        byte[] good = TopologyDocument.Write(Worlds.TwoRegions());
        Random random = new(20261125);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = [.. good.AsSpan(0, random.Next(good.Length + 1))];
            for (int j = random.Next(4); j > 0 && bytes.Length > 0; j--)
                bytes[random.Next(Math.Min(bytes.Length, 400))] = (byte)random.Next(256);
            try
            {
                TopologyDocument.Read(bytes);
            }
            catch (InvalidDataException)
            {
            }
        }
    }
}
