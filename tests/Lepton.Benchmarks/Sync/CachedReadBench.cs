using System.Globalization;
using System.Text;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Benchmarks.Sync;

/// <summary>A record found in the cache of a node, one of ten thousand after the other, in this process.</summary>
internal static class CachedReadBench
{
    private const int Entries = 10_000;

    internal static Task<IReadOnlyDictionary<string, double>> RunAsync()
    {
        RecordClass of = new(new ClassId(0), "public", "public", ["us-east"], 1, 1, null, KeyForm.Clear);
        ReadCache cache = new(Options.Create(new HomeOptions()), TimeProvider.System, new BenchKeys(1));
        string[] keys = [.. Enumerable.Range(0, Entries).Select(i => $"orders/{i:D8}")];
        foreach (string key in keys)
        {
            byte[] stored = Encoding.UTF8.GetBytes(key);
            cache.Keep(new RecordAddress(of, "acme", key, stored, new SlotId(0)), new CachedRecord(
                new byte[1024], new RecordVersion(1, 1), new KeyId(Guid.NewGuid()), stored,
                TimeProvider.System.GetTimestamp()), cache.Mark);
        }
        Dictionary<string, byte[]> bare = keys.ToDictionary(k => k, _ => new byte[1024], StringComparer.Ordinal);
        (int found, int looked) = (0, 0);
        Action find = () =>
        {
            if (cache.Find(of.Id, "acme", keys[found++ % Entries], TimeSpan.FromHours(1)) is null)
                throw new InvalidOperationException("A cached record is gone.");
        };
        Action look = () => _ = bare[keys[looked++ % Entries]];
        (double nanos, double bareNanos) = Paired.Measure(find, look);
        double bytes = Paired.BytesOf(find);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"cached read: {nanos:F0} ns {bytes:F0} B   a dictionary alone {bareNanos:F0} ns"));
        return Task.FromResult<IReadOnlyDictionary<string, double>>(new Dictionary<string, double>
        {
            ["cached_read_ns"] = Math.Round(nanos), ["cached_read_bytes"] = bytes,
            ["cached_read_vs_dictionary"] = nanos / bareNanos,
        });
    }
}
