using System.Globalization;

namespace Lepton.Benchmarks.Inference;

/// <summary>
/// Served throughput over raw ONNX Runtime in this process: the same model, the same one thread, the same input. Both
/// are measured in turn, several times, so that a busy machine weighs on both; the ratio is the median of the pairs.
/// </summary>
internal static class InferenceBench
{
    private const int Rounds = 7;

    /// <param name="args">Optional: seconds of one measurement, default 2.</param>
    public static int Run(string[] args) => RunAsync(
        args is [var seconds, ..] ? double.Parse(seconds, CultureInfo.InvariantCulture) : 2).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(double seconds)
    {
        var models = Path.Combine(Bench.Home(), "models");
        await using var node = await BenchNode.StartAsync(models);
        Row("model", "raw/s", "execution/s", "gRPC/s", "gRPC/raw", "bytes raw", "bytes exec.", "bytes gRPC");
        var ratios = new List<(string Key, double Value)>();
        foreach (var load in (ModelLoad[])[ModelLoad.Recognizer, ModelLoad.Language])
            ratios.AddRange(await MeasureAsync(node, models, load, TimeSpan.FromSeconds(seconds)));
        Console.WriteLine(
            "bytes: managed memory allocated per call; gRPC counts client and server together, TLS and all.");
        var json = string.Join(
            ',', ratios.Select(r => string.Create(CultureInfo.InvariantCulture, $"\"{r.Key}\":{r.Value:0.###}")));
        Console.WriteLine("{\"bench\":\"inference\",\"ratios\":{" + json + "}}");
        return 0;
    }

    private static async Task<(string, double)[]> MeasureAsync(
        BenchNode node, string models, ModelLoad load, TimeSpan time)
    {
        using var raw = new RawModel(Path.Combine(models, load.Model, "1", "model.onnx"), load);
        var path = new ExecutionPath(node, load);
        var grpc = new GrpcPath(node, load);
        var (direct, executed, served) = (new List<Rate>(), new List<Rate>(), new List<Rate>());
        // The first round warms up and does not count.
        for (var round = 0; round <= Rounds; round++)
        {
            var pair = (Raw: raw.Run(time), Path: await path.RunAsync(time), Served: await grpc.RunAsync(time));
            if (round == 0)
                continue;
            direct.Add(pair.Raw);
            executed.Add(pair.Path);
            served.Add(pair.Served);
        }
        var ratio = Median(served.Zip(direct, (s, d) => s.PerSecond / d.PerSecond));
        Row(load.Model, PerSecond(direct), PerSecond(executed), PerSecond(served), Text(ratio, "0.000"),
            Bytes(direct), Bytes(executed), Bytes(served));
        return
        [
            ($"{load.Key}_vs_raw", ratio),
            ($"{load.Key}_execution_vs_raw", Median(executed.Zip(direct, (e, d) => e.PerSecond / d.PerSecond))),
            ($"{load.Key}_bytes_per_call", Median(executed.Select(r => r.BytesPerCall))),
        ];
    }

    private static void Row(string model, params string[] cells) =>
        Console.WriteLine($"{model,-12}{string.Concat(cells.Select(cell => $"{cell,13}"))}");

    private static string PerSecond(IEnumerable<Rate> rates) => Text(Median(rates.Select(r => r.PerSecond)), "0.0");

    private static string Bytes(IEnumerable<Rate> rates) => Text(Median(rates.Select(r => r.BytesPerCall)), "0");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}

/// <summary>What one measurement gave.</summary>
internal readonly record struct Rate(double PerSecond, double BytesPerCall);
