using System.Globalization;
using Lepton.Inference.Execution;
using OpenInference;

namespace Lepton.Inference.Serving;

/// <summary>A model's statistics as Triton's message has them.</summary>
internal static class StatisticsMessages
{
    public static OpenInference.ModelStatistics Of(ServedModel model)
    {
        var now = model.Statistics.Snapshot();
        return new OpenInference.ModelStatistics
        {
            Name = model.Identity.Name,
            Version = model.Identity.Version.ToString(CultureInfo.InvariantCulture),
            LastInference = (ulong)(now.LastInference?.ToUnixTimeMilliseconds() ?? 0),
            InferenceCount = now.InferenceCount,
            ExecutionCount = now.ExecutionCount,
            InferenceStats = new InferStatistics
            {
                Success = Duration(now.Success),
                Fail = Duration(now.Fail),
                Queue = Duration(now.Queue),
                ComputeInput = Duration(now.ComputeInput),
                ComputeInfer = Duration(now.ComputeInfer),
                ComputeOutput = Duration(now.ComputeOutput),
                CacheHit = new StatisticDuration(),
                CacheMiss = new StatisticDuration(),
            },
        };
    }

    private static StatisticDuration Duration(Tally tally) => new() { Count = tally.Count, Ns = tally.Nanoseconds };
}
