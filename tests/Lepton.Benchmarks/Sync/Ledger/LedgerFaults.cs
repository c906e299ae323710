using Lepton.Sync.Tests.Replication.World;
using Npgsql;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>What goes wrong, one after another, each at a drawn node and healed again.</summary>
internal sealed class LedgerFaults(LedgerWorld world, Random random)
{
    private const int Flaps = 6;
    private static readonly TimeSpan shortly = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan while_ = TimeSpan.FromSeconds(4);

    /// <summary>Their names in the order they come; a round has each once.</summary>
    public IReadOnlyList<(string Name, Func<Task> RunAsync)> All =>
    [
        ("service killed", KillServiceAsync), ("database server killed", KillServerAsync),
        ("service stopped for a while", PauseAsync), ("regions cut off from each other", CutAsync),
        ("answers lost one way", CutAnswersAsync), ("connections that flap", FlapAsync),
        ("replication slot dropped", DropSlotAsync), ("disk full", FillDiskAsync),
        ("service and its database server killed", KillBothAsync),
    ];

    private async Task KillServiceAsync()
    {
        ProcessNode node = Draw(world.Nodes);
        await node.KillAsync();
        await Task.Delay(shortly);
        await node.StartAsync();
        await Task.Delay(while_);
    }

    private async Task KillServerAsync()
    {
        await Draw(world.Servers).CrashAsync();
        await Task.Delay(while_);
    }

    private async Task KillBothAsync()
    {
        int node = random.Next(world.Nodes.Length);
        await Task.WhenAll(world.Nodes[node].KillAsync(), world.Servers[node].CrashAsync());
        await world.Nodes[node].StartAsync();
        await Task.Delay(while_);
    }

    private async Task PauseAsync()
    {
        ProcessNode node = Draw(world.Nodes);
        node.Pause();
        await Task.Delay(while_ * 2); // longer than a home's lease
        node.Resume();
        await Task.Delay(shortly);
    }

    private async Task CutAsync()
    {
        CuttingRelay[] wires = [.. world.BetweenRegions()];
        Array.ForEach(wires, w => w.Cut());
        await Task.Delay(while_);
        Array.ForEach(wires, w => w.Heal());
    }

    private async Task CutAnswersAsync()
    {
        CuttingRelay[] wires = [.. world.BetweenRegions(bothWays: false)];
        Array.ForEach(wires, w => w.CutAnswers());
        await Task.Delay(while_);
        Array.ForEach(wires, w => w.Heal());
    }

    private async Task FlapAsync()
    {
        CuttingRelay[] wires = [.. world.BetweenRegions()];
        for (int i = 0; i < Flaps; i++)
        {
            Array.ForEach(wires, w => w.CutOnce());
            await Task.Delay(while_ / Flaps * random.NextDouble() * 2);
        }
    }

    private async Task DropSlotAsync()
    {
        int node = random.Next(world.Nodes.Length);
        await using NpgsqlConnection super = new(world.Servers[node].SuperConnection);
        await super.OpenAsync();
        string slot = world.Nodes[node].Keeper.Configuration()["Sync:Replication:Slot"]!;
        await using NpgsqlCommand end = new(
            "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1", super)
        {
            Parameters = { new() { Value = slot } },
        };
        await end.ExecuteNonQueryAsync();
        await using NpgsqlCommand drop = new(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", super)
        {
            Parameters = { new() { Value = slot } },
        };
        try
        {
            await drop.ExecuteNonQueryAsync();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse)
        {
            Console.WriteLine("  (its reader was back before it could be dropped)");
        }
        await Task.Delay(while_);
    }

    private async Task FillDiskAsync()
    {
        world.Disk.Fill();
        await Task.Delay(while_);
        world.Disk.Empty();
        await Task.Delay(while_);
    }

    private T Draw<T>(T[] all) => all[random.Next(all.Length)];
}
