using OpenInference;

namespace Lepton.Routing.Gateway;

/// <summary>Adds up the statistics of a model over the nodes that have it: every count and time is a sum.</summary>
internal static class StatisticsMerge
{
    public static ModelStatisticsResponse Of(IEnumerable<ModelStatisticsResponse> parts)
    {
        SortedDictionary<(string, string), ModelStatistics> merged = [];
        foreach (ModelStatistics part in parts.SelectMany(p => p.ModelStats))
            if (merged.TryGetValue((part.Name, part.Version), out ModelStatistics? sum))
                Add(sum, part);
            else
                merged.Add((part.Name, part.Version), part.Clone());
        return new ModelStatisticsResponse { ModelStats = { merged.Values } };
    }

    private static void Add(ModelStatistics sum, ModelStatistics part)
    {
        sum.LastInference = Math.Max(sum.LastInference, part.LastInference);
        sum.InferenceCount += part.InferenceCount;
        sum.ExecutionCount += part.ExecutionCount;
        sum.InferenceStats ??= new InferStatistics();
        InferStatistics stats = part.InferenceStats ?? new InferStatistics();
        sum.InferenceStats.Success = Sum(sum.InferenceStats.Success, stats.Success);
        sum.InferenceStats.Fail = Sum(sum.InferenceStats.Fail, stats.Fail);
        sum.InferenceStats.Queue = Sum(sum.InferenceStats.Queue, stats.Queue);
        sum.InferenceStats.ComputeInput = Sum(sum.InferenceStats.ComputeInput, stats.ComputeInput);
        sum.InferenceStats.ComputeInfer = Sum(sum.InferenceStats.ComputeInfer, stats.ComputeInfer);
        sum.InferenceStats.ComputeOutput = Sum(sum.InferenceStats.ComputeOutput, stats.ComputeOutput);
        sum.InferenceStats.CacheHit = Sum(sum.InferenceStats.CacheHit, stats.CacheHit);
        sum.InferenceStats.CacheMiss = Sum(sum.InferenceStats.CacheMiss, stats.CacheMiss);
        foreach (InferBatchStatistics batch in part.BatchStats)
            AddBatch(sum, batch);
        sum.MemoryUsage.AddRange(part.MemoryUsage);
    }

    private static void AddBatch(ModelStatistics sum, InferBatchStatistics part)
    {
        InferBatchStatistics? same = sum.BatchStats.FirstOrDefault(b => b.BatchSize == part.BatchSize);
        if (same is null)
        {
            sum.BatchStats.Add(part.Clone());
            return;
        }
        same.ComputeInput = Sum(same.ComputeInput, part.ComputeInput);
        same.ComputeInfer = Sum(same.ComputeInfer, part.ComputeInfer);
        same.ComputeOutput = Sum(same.ComputeOutput, part.ComputeOutput);
    }

    private static StatisticDuration Sum(StatisticDuration? a, StatisticDuration? b) =>
        new() { Count = (a?.Count ?? 0) + (b?.Count ?? 0), Ns = (a?.Ns ?? 0) + (b?.Ns ?? 0) };
}
