using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tombstones;

/// <summary>
/// Deletes tombstones that are old enough and that every replica of their slot has: as a home by what replicas
/// acknowledged, as a replica by its home's word. Each node deletes its own rows; that is not replicated.
/// </summary>
internal sealed partial class TombstoneCollector(
    ITopologySource topology, IRecordStore store, SettledTombstones settled, ITombstonePeers peers, ReplicaSlots slots,
    IOptions<StorageOptions> options, TombstoneMetrics metrics, TimeProvider time,
    ILogger<TombstoneCollector> logger) : BackgroundService
{
    private const int BatchRows = 1000;
    private const int BatchesMax = 100;
    private const int CounterBits = 16;

    /// <summary>One round; how many rows it deleted.</summary>
    public async Task<long> CollectAsync(CancellationToken cancellationToken)
    {
        var before = (time.GetUtcNow() - options.Value.TombstoneKeepTime).ToUnixTimeMilliseconds() << CounterBits;
        await settled.LookAsync(before, cancellationToken);
        Round round = new(before);
        var now = topology.Current;
        foreach (var recordClass in now.Classes)
            await DropAsync(round, recordClass.Id, settled.Of(recordClass.Id), _ => true, "home", cancellationToken);
        foreach (var home in slots.Sources())
            await CollectHeldAsync(round, now, now[home], cancellationToken);
        return round.Rows;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.WatchWaiting(() => settled.Waiting);
        using PeriodicTimer timer = new(options.Value.SweepInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await CollectAsync(stoppingToken);
            }
            catch (Exception e) when (e is DatabaseUnavailableException or DatabaseOutcomeUnknownException)
            {
                LogNotCollected(e.Message);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(e); // a node that stopped collecting would grow for ever, unnoticed
            }
        }
    }

    private async Task CollectHeldAsync(
        Round round, Topology now, Placement.SyncNode home, CancellationToken cancellationToken)
    {
        foreach (var recordClass in now.Classes.Where(c => c.Allows(topology.Self.Region)))
        {
            var map = now.MapOf(recordClass.Id);
            if (await peers.ReadSettledAsync(home, now.Epoch, recordClass.Id, cancellationToken) is not { } told)
                return; // it is not asked once for every class
            if (topology.Current.Epoch != told.Epoch)
                return;
            await DropAsync(round, recordClass.Id, told, slot => map.Home(slot) == home.Id
                && map.Holds(topology.Self.Id, slot) && slots.IsWhole(recordClass.Id, slot), "replica",
                cancellationToken);
        }
    }

    private async Task DropAsync(
        Round round, ClassId recordClass, SettledClass known, Func<SlotId, bool> isMeant, string role,
        CancellationToken cancellationToken)
    {
        foreach (var group in known.Slots)
        {
            List<SlotId> meant = [.. group.Slots.Where(isMeant)];
            var dropped = BatchRows;
            while (meant.Count > 0 && dropped == BatchRows && round.Batches < BatchesMax)
            {
                dropped = await store.DropTombstonesAsync(
                    recordClass, meant, Math.Min(group.Before, round.Before), BatchRows, cancellationToken);
                round.Add(dropped);
                metrics.Collected(role, dropped);
            }
        }
    }

    private sealed class Round(long before)
    {
        /// <summary>No tombstone with a clock of this or more.</summary>
        public long Before => before;

        public long Rows { get; private set; }

        public int Batches { get; private set; }

        public void Add(int rows) => (Rows, Batches) = (Rows + rows, Batches + (rows > 0 ? 1 : 0));
    }

    [LoggerMessage(LogLevel.Warning, "Old tombstones could not be collected; it is tried again: {Why}")]
    private partial void LogNotCollected(string why);

    [LoggerMessage(LogLevel.Error, "Collecting old tombstones failed; it is tried again")]
    private partial void LogFailed(Exception e);
}
