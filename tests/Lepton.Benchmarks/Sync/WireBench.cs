using System.Globalization;
using System.Text;
using Lepton.Sync.Replication;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// Bytes of a row as it is sent to another node, everything included, over those of its key and value in clear.
/// Counted, of synthetic JSON records.
/// </summary>
internal static class WireBench
{
    private const int Subjects = 1000;
    private static readonly int[] sizes = [256, 1024, 4096];

    internal static Task<IReadOnlyDictionary<string, double>> RunAsync()
    {
        Dictionary<string, double> ratios = [];
        foreach (int size in sizes)
        {
            using SealedRecords records = new(Subjects, size);
            double raw = records.Plain.Average(p => Encoding.UTF8.GetByteCount(p.Key) + p.Value.Length);
            double wire = records.Rows.Average(r => RowCodec.Encode(r).Length);
            ratios[size == 1024 ? "wire_vs_raw" : $"wire_vs_raw_{size}"] = wire / raw;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"wire: a record of {raw:F0} B is sent as {wire:F0} B"));
        }
        return Task.FromResult<IReadOnlyDictionary<string, double>>(ratios);
    }
}
