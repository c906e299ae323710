using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// Weighted rendezvous hashing: how much a slot of a class likes each node and region, -w / ln(h) with h the hash in
/// (0, 1) (Thaler and Ravishankar 1998; weights as Schindelhauer and Schomaker 2005). The greatest wins.
/// </summary>
internal sealed class RendezvousScores
{
    private const double HashUnit = 1.0 / (1L << 53);

    private readonly double[][] _nodes;
    private readonly double[][] _regions;

    public RendezvousScores(PlacementGround ground)
    {
        _nodes = [.. ground.Nodes.Select(n => Scores(ground.Class.Name, n.Name, n.Weight))];
        // A region is named as no node is: nodes' names have a hyphen before the zone, and this a slash.
        _regions = [.. ground.Regions.Select((r, i) => Scores(ground.Class.Name, r + "/", ground.RegionWeights[i]))];
    }

    public double OfNode(int slot, int node) => _nodes[node][slot];

    public double OfRegion(int slot, int region) => _regions[region][slot];

    private static double[] Scores(string recordClass, string name, int weight)
    {
        byte[] text = [0, 0, .. Encoding.UTF8.GetBytes($"{recordClass}/{name}")];
        var scores = new double[SlotId.Count];
        for (var slot = 0; slot < scores.Length; slot++)
        {
            BinaryPrimitives.WriteInt16BigEndian(text, (short)slot);
            var hash = ((XxHash3.HashToUInt64(text) >> 11) + 0.5) * HashUnit;
            scores[slot] = -weight / Math.Log(hash);
        }
        return scores;
    }
}
