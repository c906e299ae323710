using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Tests.Replication.World;
using Lepton.Sync.Tests.World;

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
        TestKeeper keeper = world.Nodes[node].Keeper;
        await new PgCaptureSlot(() => keeper.Database, keeper.Configuration()["Sync:Replication:Slot"]!, "")
            .DropAsync(CancellationToken.None);
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
