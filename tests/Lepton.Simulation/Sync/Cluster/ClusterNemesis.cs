using Lepton.Sync.Homes;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>What goes wrong, and the operator who does something about it.</summary>
internal sealed class ClusterNemesis(SimulatedCluster cluster)
{
    private readonly List<Task> _faults = [];
    private bool _isPromoting;
    private SimulatedSyncNode? _lost;

    private Random Random => cluster.Random;

    private TimeProvider Time => cluster.Machine.Time;

    /// <summary>Draws faults, one over another, and waits for their ends.</summary>
    public async Task RageAsync(TimeSpan time)
    {
        var until = cluster.Machine.Elapsed + time;
        while (cluster.Machine.Elapsed < until)
        {
            await PauseAsync(0.3, 5);
            _faults.Add(FaultAsync(cluster.Nodes[Random.Next(cluster.Nodes.Count)]));
        }
        while (_faults.Find(f => !f.IsCompleted) is { } fault)
            await fault; // more may have come of it
    }

    /// <summary>Everything that can be back is back, and the operator sees to the rest.</summary>
    public async Task HealAsync()
    {
        cluster.Watch.Say("everything heals");
        cluster.Network.HealAll();
        cluster.Store.IsDown = false;
        cluster.Store.CutFrom.Clear();
        var startsAnew = Random.Next(3) == 0;
        foreach (var node in cluster.Nodes.Where(n => !n.IsLost))
        {
            if (startsAnew)
                node.LosePower();
            node.Continue();
            node.Database.Store.Restart();
            node.Start();
        }
        while (_lost is { } lost && IsHome(lost))
        {
            await PauseAsync(1, 2);
            await PromoteAsync(lost, acceptsLoss: true, TimeSpan.FromMinutes(2));
        }
    }

    private async Task FaultAsync(SimulatedSyncNode node)
    {
        switch (Random.Next(14))
        {
            case 0 or 1:
                Say($"{node.Node.Name} is killed");
                node.Kill();
                await PauseAsync(0.2, 8);
                Start(node);
                break;
            case 2:
                Say($"{node.Node.Name} loses power");
                node.LosePower();
                await PauseAsync(0.5, 15);
                Start(node);
                break;
            case 3:
                Say($"{node.Node.Name}: the database crashes");
                node.Database.Crash();
                await PauseAsync(0.2, 5);
                if (!node.IsLost)
                    node.Database.Store.Restart();
                break;
            case 4:
                Say($"{node.Node.Name} is stopped");
                node.Stop();
                await PauseAsync(0.5, 14);
                Say($"{node.Node.Name} goes on");
                node.Continue();
                break;
            case 5 or 6:
                await CutAsync(node, isOneWay: Random.Next(2) == 0, Random.Next(2) == 0);
                break;
            case 7:
                for (var i = 0; i < 8; i++)
                    await CutAsync(node, isOneWay: Random.Next(2) == 0, isAlone: true, 0.05, 0.9);
                break;
            case 8:
                await StoreAwayAsync(node);
                break;
            case 9:
                Say($"{node.Node.Name}: slow disks");
                var (store, disk) = (node.Database.Store.PauseMax, node.Disk.PauseMax);
                node.Database.Store.PauseMax = node.Disk.PauseMax = TimeSpan.FromMilliseconds(400);
                await PauseAsync(1, 8);
                (node.Database.Store.PauseMax, node.Disk.PauseMax) = (store, disk);
                break;
            case 10:
                Say($"{node.Node.Name}: the log's slot is dropped");
                node.Database.LoseSlot();
                break;
            case 11:
                await EraseAsync(node, $"person-{Random.Next(2)}");
                break;
            default:
                await GoneAsync(node);
                break;
        }
    }

    /// <summary>A node is away for long, in one way or another, and its slots get other homes.</summary>
    private async Task GoneAsync(SimulatedSyncNode node)
    {
        if (_isPromoting)
            return;
        _isPromoting = true;
        var how = Random.Next(5);
        if (how == 0 && _lost is null && Random.Next(2) == 0)
        {
            Say($"{node.Node.Name} burns");
            node.Lose();
            _lost = node;
        }
        else if (how <= 1)
        {
            Say($"{node.Node.Name} is killed for long");
            node.Kill();
        }
        else if (how == 2)
        {
            Say($"{node.Node.Name} is stopped for long");
            node.Stop();
        }
        else
        {
            Say($"{node.Node.Name} is cut off {(how == 3 ? "from all" : "one way")}");
            foreach (var other in cluster.Nodes.Where(n => n != node))
            {
                cluster.Network.Cut(node.Number, other.Number);
                if (how == 3)
                    cluster.Network.Cut(other.Number, node.Number);
            }
        }
        if (Random.Next(2) == 0)
            cluster.Store.CutFrom.Add(node.Number);
        await PauseAsync(3, 9);
        // In the midst of it the node may be back, and what it sent meanwhile comes.
        await PromoteAsync(node, Random.Next(3) == 0, TimeSpan.FromSeconds(25), how > 2 && Random.Next(2) == 0);
        await PauseAsync(0, 12);
        if (how > 2)
            Rejoin(node);
        Say($"{node.Node.Name} is back");
        node.Continue();
        Start(node);
        // It hears the others before the store, or the store first.
        await PauseAsync(0, cluster.Store.CutFrom.Contains(node.Number) ? 9 : 0);
        cluster.Store.CutFrom.Remove(node.Number);
        _isPromoting = false;
    }

    private async Task RejoinAsync(SimulatedSyncNode node)
    {
        await PauseAsync(0.02, 0.6);
        Say($"{node.Node.Name} is reached again");
        Rejoin(node);
    }

    private void Rejoin(SimulatedSyncNode node)
    {
        foreach (var other in cluster.Nodes.Where(n => n != node))
        {
            cluster.Network.Heal(node.Number, other.Number);
            cluster.Network.Heal(other.Number, node.Number);
        }
    }

    private async Task PromoteAsync(
        SimulatedSyncNode gone, bool acceptsLoss, TimeSpan timeMax, bool returnsMeanwhile = false)
    {
        var until = cluster.Machine.Elapsed + timeMax;
        while (cluster.Machine.Elapsed < until)
        {
            var nodes = cluster.Nodes.Where(n => n != gone && n.Parts is not null).ToList();
            if (nodes.Count > 0 && nodes[Random.Next(nodes.Count)] is { Parts: { } parts } at)
            {
                cluster.IsLossAccepted = acceptsLoss;
                if (returnsMeanwhile && parts.Watch.Silence(gone.Node.Id) >= SyncSettings.Homes.LeaseTime * 1.5)
                    _faults.Add(RejoinAsync(gone));
                var work = parts.Process.RunAsync(() => parts.Promoter.PromoteAsync(
                    parts.Topology.Current[gone.Node.Id], acceptsLoss, default));
                await Task.WhenAny(work, Task.Delay(TimeSpan.FromSeconds(15), Time));
                Say($"promote {gone.Node.Name} at {at.Node.Name}{(acceptsLoss ? ", losses accepted" : "")}: "
                    + (work.IsCompletedSuccessfully ? work.Result switch
                    {
                        PromotionAnswer.Done done => $"epoch {done.Topology.Epoch}, {done.WaitingSlots} wait",
                        PromotionAnswer.HomeReachable heard => $"heard by {string.Join(',', heard.HeardBy)}",
                        PromotionAnswer.ReplicaUnreachable silent => $"silent: {string.Join(',', silent.Nodes)}",
                        var other => other.GetType().Name,
                    }
                    : work.IsFaulted ? work.Exception.InnerException?.Message : "no answer"));
                if (work.IsCompletedSuccessfully && work.Result is PromotionAnswer.Done)
                    return;
            }
            await PauseAsync(0.5, 3);
        }
    }

    private async Task CutAsync(
        SimulatedSyncNode node, bool isOneWay, bool isAlone, double shortest = 0.5, double longest = 15)
    {
        // The node from the others, or its region from the other regions.
        var inside = cluster.Nodes.Where(n => n == node || (!isAlone && n.Node.Region == node.Node.Region)).ToList();
        var isOutward = Random.Next(2) == 0;
        var way = !isOneWay ? "" : isOutward ? " outward" : " inward";
        Say($"cut {string.Join(',', inside.Select(n => n.Node.Name))}{way}");
        var pairs = inside.SelectMany(a => cluster.Nodes.Except(inside).Select(b => (a.Number, b.Number))).ToList();
        foreach (var (a, b) in pairs)
        {
            if (!isOneWay || isOutward)
                cluster.Network.Cut(a, b);
            if (!isOneWay || !isOutward)
                cluster.Network.Cut(b, a);
        }
        await PauseAsync(shortest, longest);
        Say("heal " + node.Node.Name);
        foreach (var (a, b) in pairs)
        {
            cluster.Network.Heal(a, b);
            cluster.Network.Heal(b, a);
        }
    }

    private async Task StoreAwayAsync(SimulatedSyncNode node)
    {
        var isForAll = Random.Next(2) == 0;
        Say($"the topology store is away for {(isForAll ? "all" : node.Node.Name)}");
        if (isForAll)
            cluster.Store.IsDown = true;
        else
            cluster.Store.CutFrom.Add(node.Number);
        await PauseAsync(1, 15);
        if (isForAll)
            cluster.Store.IsDown = false;
        else
            cluster.Store.CutFrom.Remove(node.Number);
    }

    private async Task EraseAsync(SimulatedSyncNode node, string subject)
    {
        if (node.Parts is not { } parts)
            return;
        var began = cluster.Machine.Elapsed;
        var work = parts.Process.RunAsync(() => parts.Eraser.EraseAsync(SyncWorld.Tenant, subject, default));
        await Task.WhenAny(work, Task.Delay(TimeSpan.FromSeconds(15), Time));
        Say($"erase {subject} at {node.Node.Name}: {(work.IsCompletedSuccessfully ? "ordered" : "not known")}");
        if (work.IsCompletedSuccessfully)
            cluster.Erasures.Add((work.Result.Order.Id, subject, began));
    }

    private bool IsHome(SimulatedSyncNode node) => cluster.Keys.Any(k =>
        cluster.Store.Current.MapOf(k.Class).Home(SyncWorld.SlotOf(k)) == node.Node.Id
        && cluster.Store.Current.MapOf(k.Class).Replicas(SyncWorld.SlotOf(k)).Length > 1);

    private void Start(SimulatedSyncNode node)
    {
        if (node.IsLost)
            return;
        node.Database.Store.Restart();
        if (!node.IsRunning)
            Say($"{node.Node.Name} starts");
        node.Start();
    }

    private void Say(string text) => cluster.Watch.Say(text);

    private Task PauseAsync(double shortest, double longest) => Task.Delay(
        TimeSpan.FromSeconds(shortest + (longest - shortest) * Random.NextDouble()), Time);
}
