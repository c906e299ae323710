using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// The record classes and the residency policy as this node was given them at its start; what they mean depends on the
/// topology's regions (<c>*</c>, <c>first</c>).
/// </summary>
/// <param name="ClassesJson">deploy/records.json's bytes.</param>
/// <param name="PolicyJson">deploy/residency.json's document, with its regimes.</param>
internal sealed record ClassDefinitions(ReadOnlyMemory<byte> ClassesJson, ReadOnlyMemory<byte> PolicyJson)
{
    /// <exception cref="RecordClassesException">A file cannot be read.</exception>
    public static ClassDefinitions Load(string classesFile, string policyFile)
    {
        try
        {
            return new ClassDefinitions(File.ReadAllBytes(classesFile), PolicyBundle.Load(policyFile));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RecordClassesException("files", "(Sync:ClassesFile, Lepton:PolicyFile) take readable files: "
                + e.Message);
        }
    }

    public ResidencyPolicy Policy(IReadOnlyList<string> regions) => ResidencyPolicy.Parse(PolicyJson, regions);

    public RecordClassesFile Classes(IReadOnlyList<string> regions) =>
        RecordClassesFile.Parse(ClassesJson, Policy(regions), regions);
}

/// <summary>A next topology, and what of the classes it leaves as it is.</summary>
/// <param name="Next">Null: nothing is to change.</param>
/// <param name="Added">Names of the classes that it adds.</param>
/// <param name="Unplaced">Why each class of the file that no node can hold is left out.</param>
/// <param name="Different">Classes of the topology that the file now defines otherwise: they stay.</param>
/// <param name="Outside">Classes whose regions the policy does not all allow any more, and which.</param>
internal sealed record TopologyPlan(
    Topology? Next, IReadOnlyList<string> Added, IReadOnlyList<string> Unplaced, IReadOnlyList<string> Different,
    IReadOnlyList<string> Outside);

/// <summary>Makes the first topology, and those with more classes. Pure.</summary>
internal sealed class TopologyPlanner(ClassDefinitions definitions, IPlacementStrategy strategy)
{
    /// <summary>Epoch 1: these nodes, and the file's classes that they can hold, in the file's order.</summary>
    /// <exception cref="RecordClassesException">The file is not usable.</exception>
    /// <exception cref="ResidencyPolicyException">Nor is the policy.</exception>
    /// <exception cref="PlacementException">They can hold no class at all.</exception>
    public TopologyPlan First(IReadOnlyList<SyncNode> nodes)
    {
        var plan = AddClasses(new Topology(0, [], nodes, []));
        return plan.Next is not null
            ? plan
            : throw new PlacementException("No record class can be placed. " + string.Join(' ', plan.Unplaced));
    }

    /// <summary>The next epoch with the file's classes that are new and that the nodes can hold.</summary>
    /// <exception cref="RecordClassesException">The file is not usable.</exception>
    /// <exception cref="ResidencyPolicyException">Nor is the policy.</exception>
    public TopologyPlan AddClasses(Topology topology)
    {
        string[] regions = [.. topology.Nodes.Select(n => n.Region).Distinct()];
        List<RecordClass> classes = [.. topology.Classes];
        List<SlotMap> maps = [.. classes.Select(c => topology.MapOf(c.Id))];
        List<string> unplaced = [], different = [];
        foreach (var defined in definitions.Classes(regions).Classes)
        {
            if (topology.FindClass(defined.Name) is { } present)
            {
                if (!IsSame(defined, present))
                    different.Add(defined.Name);
                continue;
            }
            try
            {
                var added = defined with { Id = new ClassId((short)classes.Count) };
                maps.Add(strategy.Place(added, topology.Nodes, null, topology.Epoch + 1));
                classes.Add(added);
            }
            catch (PlacementException e)
            {
                unplaced.Add(e.Message);
            }
        }
        var names = classes.Skip(topology.Classes.Count).Select(c => c.Name).ToArray();
        var next = names.Length == 0 ? null : new Topology(topology.Epoch + 1, classes, topology.Nodes, maps);
        return new TopologyPlan(next, names, unplaced, different, Outside(topology, definitions.Policy(regions)));
    }

    private static bool IsSame(RecordClass a, RecordClass b) =>
        a with { Id = b.Id, Regions = b.Regions } == b && a.Regions.SequenceEqual(b.Regions);

    // A class whose data class is gone from the policy is allowed nowhere.
    private static List<string> Outside(Topology topology, ResidencyPolicy policy)
    {
        List<string> outside = [];
        foreach (var recordClass in topology.Classes)
        {
            var set = policy.DataClasses.FirstOrDefault(c => c.Name == recordClass.DataClass)?.Kept ?? RegionSet.None;
            string[] forbidden = [.. recordClass.Regions.Where(r => !set.Contains(policy.IndexOf(r)))];
            if (forbidden.Length > 0)
                outside.Add($"{recordClass.Name} ({string.Join(", ", forbidden)})");
        }
        return outside;
    }
}
