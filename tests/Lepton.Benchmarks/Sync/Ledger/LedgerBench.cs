using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>
/// Two regions of two zones, real processes, under writes that never stop, while everything goes wrong in turn. In the
/// end a ledger of every write: what its caller was told, and what is there. Acknowledged writes that are not there are
/// lost, whatever happened; writes said to be refused that are there are phantoms.
/// </summary>
internal static class LedgerBench
{
    private static readonly TimeSpan calm = TimeSpan.FromSeconds(3);

    /// <param name="args">Optional: rounds of all faults (default 1), the seed (default drawn and printed).</param>
    internal static int Run(string[] args) => RunAsync(
        args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1,
        args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Random.Shared.Next())
        .GetAwaiter().GetResult();

    private static async Task<int> RunAsync(int rounds, int seed)
    {
        Console.WriteLine($"ledger: {string.Join(", ", LedgerWorld.Names)}; seed {seed}");
        await using LedgerWorld world = await LedgerWorld.StartAsync();
        WriteLedger ledger = new();
        LedgerCheck check = new(world);
        await AnsweringAsync(world);
        using CancellationTokenSource enough = new();
        Task load = new LedgerLoad(world, ledger, seed).RunAsync(enough.Token);
        try
        {
            await Task.Delay(calm);
            LedgerFaults faults = new(world, new Random(seed));
            for (int round = 0; round < rounds; round++)
                foreach (var (name, run) in faults.All)
                    await FaultAsync(ledger, name, run);
            await FaultAsync(ledger, "home gone, its replicas promoted", () => PromoteAsync(world));
        }
        finally
        {
            await enough.CancelAsync();
            await load;
        }
        return await ConcludeAsync(ledger, check);
    }

    private static async Task FaultAsync(WriteLedger ledger, string name, Func<Task> run)
    {
        int before = ledger.Acknowledged;
        await run();
        await Task.Delay(calm);
        Console.WriteLine($"  {name}: {ledger.Acknowledged - before} writes acknowledged meanwhile");
    }

    private static async Task AnsweringAsync(LedgerWorld world)
    {
        foreach (ProcessNode node in world.Nodes)
        {
            RecordService.RecordServiceClient records = node.Keeper.Records;
            await Calls.EventuallyAsync(async () => (await records.PutAsync(
                new PutRequest
                {
                    Write = new Write { Key = new RecordKey { RecordClass = "public", Key = node.Keeper.Name } },
                    Level = WriteLevel.Each,
                }, Options)).Result.Durability.Committed);
        }
    }

    // The last node's writes at level LOCAL may exist nowhere else by then: they must be found aside when it is back.
    private static async Task PromoteAsync(LedgerWorld world)
    {
        ProcessNode gone = world.Nodes[0];
        await gone.KillAsync();
        TopologyService.TopologyServiceClient topology = world.Nodes[1].Keeper.Topology;
        await Calls.EventuallyAsync(async () =>
            (await topology.PromoteAsync(new PromoteRequest { Node = gone.Keeper.Name }, Options)).Epoch > 1);
        await Task.Delay(calm);
        await gone.StartAsync();
    }

    private static async Task<int> ConcludeAsync(WriteLedger ledger, LedgerCheck check)
    {
        double seconds = await check.ConvergedAsync();
        Console.WriteLine($"replicas are the same {seconds:F1} s after the last fault");
        IReadOnlyList<LedgerEntry> all = ledger.Entries;
        IReadOnlySet<LedgerEntry> missing = await check.AbsentAsync([.. all.Where(e => e.Told == Told.Acknowledged)]);
        LedgerEntry[] refused = [.. all.Where(e => e.Told == Told.Refused)];
        int phantoms = refused.Length - (await check.AbsentAsync(refused)).Count;
        long foreign = await check.ForeignAsync(), stranded = await check.StrandedAsync();
        // Stored keys are digests: which of the missing ones a stranded row is cannot be read off it, but each is of
        // another key, and only writes that waited for nobody may be among them.
        int mayBeAside = missing.Count(e => e.Level == WriteLevel.Local);
        bool areAside = mayBeAside <= stranded;
        int lost = ledger.Print(missing, e => areAside && e.Level == WriteLevel.Local);
        Console.WriteLine(
            $"writes put aside {stranded}, refused but found {phantoms}, rows outside their region {foreign}");
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "ledger",
            ratios = new Dictionary<string, double>
            {
                ["acknowledged_writes"] = ledger.Acknowledged, ["lost_writes"] = lost, ["phantom_writes"] = phantoms,
                ["foreign_rows"] = foreign, ["stranded_writes"] = stranded, ["converged_s"] = Math.Round(seconds, 1),
            },
        }));
        return lost == 0 && phantoms == 0 && foreign == 0 ? 0 : 1;
    }

    private static CallOptions Options => new(deadline: DateTime.UtcNow + TimeSpan.FromSeconds(10));
}
