using Google.Protobuf;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// The topology as bytes (protos/lepton/sync/v1/topology.proto), the same bytes for the same topology. What is read is
/// checked: a map that holds a class outside its regions is no topology (S6).
/// </summary>
internal static class TopologyDocument
{
    /// <summary>Longest document: 16 MiB.</summary>
    public const int BytesMax = 16 << 20;

    private const uint Format = 1;
    private const int WeightMax = 1000;

    /// <exception cref="InvalidOperationException">It is longer than <see cref="BytesMax"/>.</exception>
    public static byte[] Write(Topology topology)
    {
        var stored = new V1.StoredTopology { Format = Format, Epoch = topology.Epoch };
        stored.Nodes.Add(topology.Nodes.Select(n => new V1.StoredNode
        {
            Region = n.Region, Zone = n.Zone, Weight = (uint)n.Weight,
        }));
        stored.Classes.Add(topology.Classes.Select(c => WriteClass(c, topology.MapOf(c.Id))));
        var bytes = stored.ToByteArray();
        return bytes.Length <= BytesMax
            ? bytes
            : throw new InvalidOperationException($"The topology takes {bytes.Length} bytes, more than {BytesMax}.");
    }

    /// <exception cref="InvalidDataException">They are no topology; says why.</exception>
    public static Topology Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BytesMax)
            throw new InvalidDataException($"A topology of {bytes.Length} bytes; it may have {BytesMax}.");
        V1.StoredTopology stored;
        try
        {
            stored = V1.StoredTopology.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"Not a topology: {e.Message}", e);
        }
        Demand(stored.Format == Format, $"form {stored.Format} where this version reads {Format}");
        Demand(stored.Epoch >= 1, $"epoch {stored.Epoch}");
        Demand(stored.Nodes.Count is >= 1 and <= short.MaxValue, $"{stored.Nodes.Count} nodes");
        Demand(stored.Classes.Count <= RecordClassesFile.ClassesMax, $"{stored.Classes.Count} classes");
        Demand(stored.Nodes.All(n => n.Region.Length > 0 && n.Zone.Length > 0 && n.Weight is >= 1 and <= WeightMax),
            "a node without region or zone, or with a weight outside 1 to 1,000");
        SyncNode[] nodes = [.. stored.Nodes.Select((n, i) =>
            new SyncNode(new NodeId((short)i), n.Region, n.Zone, (int)n.Weight))];
        Demand(nodes.DistinctBy(n => n.Name).Count() == nodes.Length, "a node twice");
        Demand(stored.Classes.DistinctBy(c => c.Name).Count() == stored.Classes.Count, "a class twice");
        RecordClass[] classes = [.. stored.Classes.Select(ReadClass)];
        return new Topology(stored.Epoch, classes, nodes,
            [.. classes.Select((c, i) => ReadMap(stored.Classes[i], c, nodes, stored.Epoch))]);
    }

    private static V1.StoredClass WriteClass(RecordClass recordClass, SlotMap map)
    {
        var stored = new V1.StoredClass
        {
            Name = recordClass.Name,
            DataClass = recordClass.DataClass,
            CopyRegions = (uint)recordClass.CopyRegions,
            CopyZones = (uint)recordClass.CopyZones,
            HomeRegion = recordClass.HomeRegion ?? "",
            BlindKeys = recordClass.Keys == KeyForm.Blind,
        };
        stored.Regions.Add(recordClass.Regions);
        Dictionary<string, uint> numbers = new(StringComparer.Ordinal);
        for (short i = 0; i < SlotId.Count; i++)
        {
            var replicas = map.Replicas(new SlotId(i)).ToArray();
            var text = string.Join(',', replicas.Select(r => r.Value));
            if (!numbers.TryGetValue(text, out var number))
            {
                numbers[text] = number = (uint)stored.Lists.Count;
                stored.Lists.Add(new V1.StoredReplicas { Nodes = { replicas.Select(r => (uint)r.Value) } });
            }
            stored.SlotLists.Add(number);
            stored.SlotTerms.Add(map.Term(new SlotId(i)));
        }
        return stored;
    }

    private static RecordClass ReadClass(V1.StoredClass stored, int id)
    {
        Demand(stored.Name.Length > 0 && stored.DataClass.Length > 0, "a class without name or data class");
        Demand(stored.Regions.Count >= 1 && stored.CopyRegions >= 1 && stored.CopyRegions <= stored.Regions.Count
            && stored.CopyZones is >= 1 and <= RecordClassesFile.CopiesMax
            && (stored.HomeRegion.Length == 0 || stored.Regions.Contains(stored.HomeRegion)),
            $"class {stored.Name} with regions or copies that do not fit together");
        return new RecordClass(new ClassId((short)id), stored.Name, stored.DataClass, [.. stored.Regions],
            (int)stored.CopyRegions, (int)stored.CopyZones, stored.HomeRegion.Length == 0 ? null : stored.HomeRegion,
            stored.BlindKeys ? KeyForm.Blind : KeyForm.Clear);
    }

    private static SlotMap ReadMap(V1.StoredClass stored, RecordClass recordClass, SyncNode[] nodes, long epoch)
    {
        var name = recordClass.Name;
        Demand(stored.SlotLists.Count == SlotId.Count && stored.SlotTerms.Count == SlotId.Count,
            $"class {name} with {stored.SlotLists.Count} slots and {stored.SlotTerms.Count} terms");
        var lists = new NodeId[stored.Lists.Count][];
        for (var i = 0; i < lists.Length; i++)
        {
            var list = stored.Lists[i].Nodes;
            Demand(list.Count > 0 && list.All(n => n < nodes.Length) && list.Distinct().Count() == list.Count,
                $"class {name} with a list of replicas that is empty, has a node twice or one that there is not");
            Demand(list.All(n => recordClass.Allows(nodes[n].Region)),
                $"class {name} with a replica outside its regions ({string.Join(", ", recordClass.Regions)})");
            lists[i] = [.. list.Select(n => new NodeId((short)n))];
        }
        Demand(stored.SlotLists.All(l => l < lists.Length), $"class {name} with a slot without a list");
        Demand(stored.SlotTerms.All(t => t >= 1 && t <= epoch), $"class {name} with a term outside 1 to {epoch}");
        return new SlotMap([.. stored.SlotLists.Select(l => lists[l])], [.. stored.SlotTerms]);
    }

    private static void Demand(bool holds, string what)
    {
        if (!holds)
            throw new InvalidDataException($"Not a topology: it has {what}.");
    }
}
