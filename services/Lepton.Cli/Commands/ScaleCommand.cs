using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton scale status</c>: how many nodes each region's pools have and shall have, and why.</summary>
internal static class ScaleCommand
{
    public static Command Create(Session session) => new("scale", "How capacity follows load.") { Status(session) };

    private static Command Status(Session session) => new GatewayCommand(session).CompleteForRegions(
        new Command("status", "Pools of every region (--from: of one): nodes there are and shall be, and why."),
        async (_, calls, _) =>
        {
            GetScalingResponse[] answers = await Task.WhenAll(calls.Select(async call =>
                await call.Gateway.Routing.GetScalingAsync(new GetScalingRequest(), call.Options)));
            (string Region, PoolScaling Pool)[] pools =
                [.. answers.SelectMany((a, i) => a.Pools.Select(p => (calls[i].Gateway.Region, p)))];
            GatewayCall any = calls[0];
            if (any.Json)
            {
                any.Terminal.Json(new JsonArray([.. pools.Select(p => Json(p.Region, p.Pool))]));
                return ExitCode.Ok;
            }

            if (pools.Length == 0)
            {
                any.Terminal.Line("Scaling is off (Routing:Scaling:Enabled).");
                return ExitCode.Ok;
            }

            var table = Tables.Create("region", "tier", ">nodes", ">shall be", "bounds", "", "why");
            foreach ((string region, PoolScaling pool) in pools)
            {
                table.Add(region, Tier(pool), Number(pool.CurrentNodes), Number(pool.DesiredNodes),
                    $"{pool.NodesMin} to {pool.NodesMax}", Bar(pool), Why(pool));
            }

            any.Terminal.Show(table);
            var models = Tables.Create("region", "tier", "model", ">load", ">slots", ">waiting", ">p99", ">promised",
                ">nodes");
            foreach ((string region, PoolScaling pool) in pools)
            {
                foreach (ModelScaling model in pool.Models)
                {
                    models.Add(region, Tier(pool), model.Model,
                        model.Load.ToString("0.0", CultureInfo.InvariantCulture), Number(model.Slots),
                        Number(model.Queued),
                        model.PredictedP99 is null ? "never" : Amounts.Seconds(model.PredictedP99.ToTimeSpan()),
                        model.Slo is null ? "batch" : Amounts.Seconds(model.Slo.ToTimeSpan()),
                        Number(model.NeededNodes));
                }
            }

            any.Terminal.Show(models);
            foreach ((string region, NodeSizing node) in
                pools.SelectMany(p => p.Pool.Sizing.Select(s => (p.Region, s))))
            {
                if (node.Size != 1)
                {
                    any.Terminal.Line(string.Create(CultureInfo.InvariantCulture,
                        $"{node.Node} of {region} could be {node.Size:0.##} of its size ({node.Why})."));
                }
            }

            return ExitCode.Ok;
        });

    private static string Why(PoolScaling pool) => (pool.Urgent ? "urgent: " : "") + pool.Why
        + (pool.Held.Length > 0 ? $"; held: {pool.Held}" : "")
        + (pool.LeavingNode.Length > 0 ? $"; {pool.LeavingNode} drains" : "");

    // Nodes there are, nodes that are lacking, and room up to the most.
    private static string Bar(PoolScaling pool)
    {
        const uint Width = 20;
        uint most = Math.Max(1, Math.Max(pool.NodesMax, pool.CurrentNodes));
        int there = (int)(pool.CurrentNodes * Width / most);
        int wanted = Math.Max(there, (int)Math.Min(Width, pool.DesiredNodes * Width / most));
        return new string('█', there) + new string('▒', wanted - there) + new string('·', (int)Width - wanted);
    }

    private static string Tier(PoolScaling pool) =>
        pool.Tier == Lepton.Routing.V1.Tier.Core ? "core" : "edge";

    private static string Number(uint value) => value.ToString(CultureInfo.InvariantCulture);

    private static JsonObject Json(string region, PoolScaling pool) => new()
    {
        ["region"] = region,
        ["tier"] = Tier(pool),
        ["currentNodes"] = pool.CurrentNodes,
        ["desiredNodes"] = pool.DesiredNodes,
        ["nodesMin"] = pool.NodesMin,
        ["nodesMax"] = pool.NodesMax,
        ["urgent"] = pool.Urgent,
        ["why"] = pool.Why,
        ["held"] = pool.Held,
        ["leavingNode"] = pool.LeavingNode,
        ["models"] = new JsonArray([.. pool.Models.Select(m => new JsonObject
        {
            ["model"] = m.Model,
            ["slots"] = m.Slots,
            ["load"] = m.Load,
            ["queued"] = m.Queued,
            ["requestRate"] = m.RequestRate,
            ["sloSeconds"] = m.Slo?.ToTimeSpan().TotalSeconds,
            ["predictedP99Seconds"] = m.PredictedP99?.ToTimeSpan().TotalSeconds,
            ["neededNodes"] = m.NeededNodes,
        })]),
        ["sizing"] = new JsonArray([.. pool.Sizing.Select(s => new JsonObject
        {
            ["node"] = s.Node,
            ["cpuP95"] = s.CpuP95,
            ["gpuP95"] = s.HasGpuP95 ? s.GpuP95 : null,
            ["memoryP99"] = s.HasMemoryP99 ? s.MemoryP99 : null,
            ["reports"] = s.Reports,
            ["size"] = s.Size,
            ["why"] = s.Why,
            ["savedUsdMicrosPerHour"] = s.HasSavedUsdMicros ? s.SavedUsdMicros : null,
        })]),
    };
}
