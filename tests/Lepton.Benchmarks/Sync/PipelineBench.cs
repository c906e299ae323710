using System.Diagnostics;
using System.Globalization;
using Lepton.Sync.Records;
using Lepton.Testing;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// Rows of 1 KiB from one server to another: Sync's replication (captured, spooled, sent over mutual TLS with
/// checksums, applied durably) against PostgreSQL's own subscription, its defaults. The same rows, written the same
/// way; rounds in turns. Throughput: from the first write until the last row is there. Lag: from a commit until its
/// row is there, at 5,000 rows/s.
/// </summary>
internal static class PipelineBench
{
    private const int Rows = 30_000;
    private const int Rounds = 5;
    private const int LagRounds = 3;
    private const int LagRowsASecond = 5000;
    private static readonly TimeSpan batchInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan lagTime = TimeSpan.FromSeconds(8);

    internal static async Task<IReadOnlyDictionary<string, double>> RunAsync()
    {
        PostgresServer from = new("sync", replicates: true), to = new("sync", replicates: true);
        await Task.WhenAll(from.InitializeAsync(), to.InitializeAsync());
        try
        {
            await using ReplicatedPair ours = await ReplicatedPair.StartOursAsync(from, to);
            await using ReplicatedPair native = await ReplicatedPair.StartNativeAsync(from, to);
            Dictionary<string, double> ratios = [];
            await ThroughputAsync(ours, native, ratios);
            await LagAsync(ours, native, ratios);
            return ratios;
        }
        finally
        {
            await from.DisposeAsync();
            await to.DisposeAsync();
        }
    }

    private static async Task ThroughputAsync(
        ReplicatedPair ours, ReplicatedPair native, Dictionary<string, double> ratios)
    {
        List<double> a = [], b = [], both = [];
        for (int round = 0; round <= Rounds; round++)
        {
            double mine, theirs;
            if (round % 2 == 0)
                (mine, theirs) = (await SendAsync(ours), await SendAsync(native));
            else
                (theirs, mine) = (await SendAsync(native), await SendAsync(ours));
            if (round == 0)
                continue; // warms both up
            a.Add(mine);
            b.Add(theirs);
            both.Add(mine / theirs);
        }
        ratios["pipeline_vs_native"] = Paired.Median(both);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"pipeline: {Rows} rows of {RowLoad.BodyBytes} B a round, medians of {Rounds} rounds\n"
            + $"  ours {Paired.Median(a),9:F0} rows/s   native {Paired.Median(b),9:F0} rows/s   ratios by round "
            + $"{both.Min():F2} to {both.Max():F2}"));
    }

    private static async Task<double> SendAsync(ReplicatedPair pair)
    {
        StoredRecord[] rows = pair.Load.Make(Rows), last = pair.Load.Make(1);
        long start = Stopwatch.GetTimestamp();
        await RowLoad.WriteAsync(pair.From, rows);
        // Transactions arrive in the order of their commits: when this is there, all are.
        await RowLoad.WriteOnceAsync(pair.From, last);
        await pair.ArrivedAsync(last[0].Key);
        return Rows / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task LagAsync(ReplicatedPair ours, ReplicatedPair native, Dictionary<string, double> ratios)
    {
        List<(double P50, double P99)> a = [], b = [];
        for (int round = 0; round < LagRounds; round++)
        {
            a.Add(await MeasureLagAsync(ours));
            b.Add(await MeasureLagAsync(native));
        }
        double mine = Paired.Median([.. a.Select(l => l.P99)]), theirs = Paired.Median([.. b.Select(l => l.P99)]);
        ratios["lag_p50_vs_native"] =
            Paired.Median([.. a.Select(l => l.P50)]) / Paired.Median([.. b.Select(l => l.P50)]);
        ratios["lag_p99_vs_native"] = mine / theirs;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"lag at {LagRowsASecond} rows/s, p50/p99 ms, medians of {LagRounds} rounds\n"
            + $"  ours {Paired.Median([.. a.Select(l => l.P50)]):F1}/{mine:F1}   "
            + $"native {Paired.Median([.. b.Select(l => l.P50)]):F1}/{theirs:F1}"));
    }

    // One connection commits a batch each 10 ms and notes when; another looks for the batches' last rows in turn.
    private static async Task<(double P50, double P99)> MeasureLagAsync(ReplicatedPair pair)
    {
        int batches = (int)(lagTime / batchInterval), batchRows = (int)(LagRowsASecond * batchInterval.TotalSeconds);
        StoredRecord[][] load = [.. Enumerable.Range(0, batches).Select(_ => pair.Load.Make(batchRows))];
        long[] committed = new long[batches];
        double[] lags = new double[batches];
        Task looking = Task.Run(async () =>
        {
            for (int i = 0; i < batches; i++)
            {
                await pair.ArrivedAsync(load[i][^1].Key);
                long seen = Stopwatch.GetTimestamp(), then = Volatile.Read(ref committed[i]);
                // It may be there before the writer has heard of its own commit.
                lags[i] = then == 0 ? 0 : Stopwatch.GetElapsedTime(then, seen).TotalMilliseconds;
            }
        });
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < batches; i++)
        {
            TimeSpan wait = (batchInterval * i) - Stopwatch.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait);
            await RowLoad.WriteOnceAsync(pair.From, load[i]);
            Volatile.Write(ref committed[i], Stopwatch.GetTimestamp());
        }
        await looking;
        double[] sorted = [.. lags.Skip(batches / 4).Order()]; // warm only
        return (sorted[sorted.Length / 2], sorted[(int)(sorted.Length * 0.99)]);
    }
}
