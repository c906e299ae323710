using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Scaling;
using Lepton.Routing.Scaling.Pools;
using Lepton.Routing.Scaling.Sizing;
using Lepton.Routing.V1;

namespace Lepton.Routing.Listing;

/// <summary>Pools as they are listed.</summary>
internal static class WireScaling
{
    public static PoolScaling Of(CapacityScaler scaler)
    {
        PoolDecision decision = scaler.Decision;
        return new PoolScaling
        {
            Tier = scaler.Tier,
            CurrentNodes = (uint)decision.Current,
            DesiredNodes = (uint)decision.Desired,
            NodesMin = (uint)scaler.NodesMin,
            NodesMax = (uint)scaler.NodesMax,
            Urgent = decision.Urgent,
            Why = decision.Why,
            Held = scaler.Held,
            LeavingNode = scaler.Leaving ?? "",
            Models = { decision.Models.Select(Of) },
            Sizing = { scaler.Sizing.Select(Of) },
        };
    }

    private static NodeSizing Of(SizeAdvice advice)
    {
        NodeSizing wire = new()
        {
            Node = advice.Node, CpuP95 = advice.Cpu.P95, Reports = (uint)advice.Looks, Size = advice.Size,
            Why = advice.Why,
        };
        if (advice.Gpu is { } gpu)
            wire.GpuP95 = gpu.P95;
        if (advice.Memory is { } memory)
            wire.MemoryP99 = memory.P99;
        if (advice.SavedUsdMicrosPerHour is { } saved)
            wire.SavedUsdMicros = saved;
        return wire;
    }

    private static ModelScaling Of(ModelNeed need) => new()
    {
        Model = need.Now.Model,
        Slots = (uint)need.Now.Slots,
        Load = need.Load,
        Queued = (uint)need.Now.Queued,
        RequestRate = need.Now.RequestRate,
        Slo = need.Slo?.ToDuration(),
        PredictedP99 = double.IsFinite(need.P99Seconds)
            ? TimeSpan.FromSeconds(Math.Min(need.P99Seconds, 1e6)).ToDuration()
            : null,
        NeededNodes = (uint)Math.Max(need.Needs, need.NeedsNow),
    };
}
