using Lepton.Sync.Placement;
using Lepton.Sync.Sealing;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>A node's machine: a disk and a database that stay, and processes that come and go.</summary>
internal sealed class SimulatedSyncNode
{
    private readonly SimulatedCluster _cluster;
    private readonly TimeSpan _clockOffset;
    private SimulatedProcess? _process;

    public SimulatedSyncNode(SimulatedCluster cluster, SyncNode node)
    {
        (_cluster, Node) = (cluster, node);
        _clockOffset = TimeSpan.FromMilliseconds(cluster.Random.Next(-2000, 2001));
        Disk = new SimulatedDisk(cluster.Random);
        Database = new SimulatedDatabase(cluster.Machine, node.Name, cluster.Random, cluster.Faults);
        KeyProvider = new SimulatedKeyProvider(cluster.Random, cluster.Machine.Time,
            recordClass => cluster.Watch.KeyKept(this, recordClass));
        Database.Rows.Kept = record => cluster.Watch.RowKept(this, record);
    }

    public SyncNode Node { get; }

    public int Number => Node.Id.Value;

    public SimulatedDisk Disk { get; }

    public SimulatedDatabase Database { get; }

    public IKeyProvider KeyProvider { get; }

    /// <summary>What runs and has started; null: nothing.</summary>
    public SyncParts? Parts { get; private set; }

    /// <summary>Its machine will never be back.</summary>
    public bool IsLost { get; private set; }

    public bool IsStopped { get; private set; }

    public bool IsRunning => _process is not null;

    public void Start()
    {
        if (_process is not null || IsLost)
            return;
        var process = _process = new SimulatedProcess(_cluster.Machine, _clockOffset);
        _ = _cluster.Machine.Outside(() => BeginAsync(process));
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process?.Kill();
        (_process, Parts, IsStopped) = (null, null, false);
    }

    /// <summary>The power goes: process, database and what was not flushed.</summary>
    public void LosePower()
    {
        Kill();
        Database.Crash();
        Disk.LosePower();
    }

    /// <summary>Fire: nothing of it is ever seen again.</summary>
    public void Lose()
    {
        LosePower();
        IsLost = true;
    }

    public void Stop()
    {
        _process?.Stop();
        IsStopped = _process is not null;
    }

    public void Continue()
    {
        IsStopped = false;
        _process?.Continue();
    }

    private async Task BeginAsync(SimulatedProcess process)
    {
        try
        {
            var parts = await process.RunAsync(() => SyncParts.StartAsync(_cluster, this, process));
            if (_process == process)
                Parts = parts;
        }
        catch (IOException) when (!process.IsAlive)
        {
            // Killed as it started.
        }
        catch (Exception e)
        {
            _cluster.Watch.Fail($"{Node.Name} does not start: {e}");
        }
    }
}
