using System.Diagnostics;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;
using Lepton.Testing;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// Writes of 1 KiB that are on two disks before they are answered, by 64 clients over gRPC: Sync's level ZONE (two
/// nodes, a server each, mutual TLS, everything sealed) against etcd with three members (no TLS, nothing sealed).
/// Clients take the nodes, or members, in turns, and are forwarded where they must be. Rounds in turns.
/// </summary>
internal static class EtcdBench
{
    private const int Clients = 64;
    private const int Keys = 20_000;
    private const int ValueBytes = 1024;
    // As long as the runtime compiles hot code anew: a server's first minute is not its speed.
    private const int WarmRounds = 8;
    private const int Rounds = 5;
    private static readonly TimeSpan roundTime = TimeSpan.FromSeconds(3);

    internal static async Task<IReadOnlyDictionary<string, double>> RunAsync()
    {
        PostgresServer a = new("sync", replicates: true), b = new("sync", replicates: true);
        await Task.WhenAll(a.InitializeAsync(), b.InitializeAsync());
        try
        {
            await using TestSync world = await TestSync.StartAsync([a, b], ["eu-west-a", "eu-west-b"]);
            await using EtcdCluster etcd = await EtcdCluster.StartAsync();
            return await MeasureAsync(world, etcd);
        }
        finally
        {
            await a.DisposeAsync();
            await b.DisposeAsync();
        }
    }

    private static async Task<IReadOnlyDictionary<string, double>> MeasureAsync(TestSync world, EtcdCluster etcd)
    {
        RecordService.RecordServiceClient[] nodes = [.. world.Keepers.Select(k => k.Records)];
        List<double> ours = [], theirs = [], ratios = [];
        for (int round = 1 - WarmRounds; round <= Rounds; round++)
        {
            double mine = await RoundAsync((client, key, value) => PutAsync(nodes[client % nodes.Length], key, value));
            double other = await RoundAsync(etcd.PutAsync);
            if (round <= 0)
                continue;
            ours.Add(mine);
            theirs.Add(other);
            ratios.Add(mine / other);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"puts on two disks: {Clients} clients, {ValueBytes} B, medians of {Rounds} rounds\n"
            + $"  ZONE {Paired.Median(ours),9:F0}/s   etcd {Paired.Median(theirs),9:F0}/s   ratios by round "
            + $"{ratios.Min():F2} to {ratios.Max():F2}"));
        return new Dictionary<string, double> { ["puts_vs_etcd"] = Paired.Median(ratios) };
    }

    private static async Task PutAsync(RecordService.RecordServiceClient node, byte[] key, byte[] value)
    {
        PutRequest request = new()
        {
            Write = new Write
            {
                Key = new RecordKey { RecordClass = "eu-personal", Key = Encoding.UTF8.GetString(key) },
                Value = UnsafeByteOperations.UnsafeWrap(value),
            },
            Level = WriteLevel.Zone,
        };
        PutResponse answer = await node.PutAsync(
            request, new CallOptions(deadline: DateTime.UtcNow + TimeSpan.FromSeconds(30)));
        if (!answer.Result.Durability.ZoneConfirmed)
            throw new InvalidOperationException("A write was answered before it was in two zones.");
    }

    private static async Task<double> RoundAsync(Func<int, byte[], byte[], Task> put)
    {
        long start = Stopwatch.GetTimestamp();
        int[] counts = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            Random random = new(client);
            int count = 0;
            for (; Stopwatch.GetElapsedTime(start) < roundTime; count++)
            {
                byte[] value = new byte[ValueBytes];
                random.NextBytes(value);
                await put(client, Encoding.UTF8.GetBytes(
                    random.Next(Keys).ToString("D24", CultureInfo.InvariantCulture)), value);
            }
            return count;
        })));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
