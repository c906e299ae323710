using System.Runtime.CompilerServices;
using Lepton.Sync.Erasure;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>The other nodes, as one of them reaches them over the simulated network: what the gRPC classes are
/// really.</summary>
internal sealed class SimulatedPeers(SimulatedCluster cluster, SimulatedSyncNode self)
    : IPeers, IReplicationPeers, IErasurePeers
{
    private static readonly TimeSpan KeysTimeMax = TimeSpan.FromSeconds(10);

    private readonly HomeOptions _homes = SyncSettings.Homes;

    public async Task<IReadOnlyList<WriteReply>> WriteAsync(
        SyncNode home, long epoch, IReadOnlyList<WriteCommand> commands, LevelWish level,
        CancellationToken cancellationToken)
    {
        HomeReason reason;
        try
        {
            return await CallAsync<IReadOnlyList<WriteReply>>(home, _homes.ConfirmTimeMax + _homes.PeerTimeMax,
                async (parts, token) => await Task.WhenAll(commands.Select(command => parts.Local.WriteAsync(
                    epoch, command with { Address = parts.Readdress(command.Address) }, level, token))),
                cancellationToken);
        }
        catch (NotSentException)
        {
            reason = HomeReason.HomeUnavailable;
        }
        catch (Exception e) when (e is IOException or TimeoutException or OperationCanceledException)
        {
            reason = HomeReason.OutcomeUnknown;
        }
        return [.. commands.Select(_ => WriteReply.Failed(reason))];
    }

    public async Task<ReadReply> ReadAsync(
        SyncNode home, long epoch, IReadOnlyList<RecordAddress> addresses, CancellationToken cancellationToken)
    {
        try
        {
            return await CallAsync(home, _homes.PeerTimeMax, (parts, token) => parts.Local.ReadAsync(
                epoch, [.. addresses.Select(parts.Readdress)], token), cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return ReadReply.Failed(HomeReason.HomeUnavailable);
        }
    }

    public async Task<ReadReply> ScanAsync(
        SyncNode node, long epoch, ScanRange range, int limit, bool home, CancellationToken cancellationToken)
    {
        try
        {
            return await CallAsync(node, _homes.PeerTimeMax, (parts, token) => parts.Local.ScanAsync(
                epoch, range, limit, home, token), cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return ReadReply.Failed(HomeReason.HomeUnavailable);
        }
    }

    public async Task<PeerWord?> AskAsync(
        SyncNode node, long epoch, SyncNode? noMoreFor, CancellationToken cancellationToken)
    {
        try
        {
            var word = await CallAsync(node, _homes.PeerTimeMax, (parts, token) => parts.Watch.AnswerAsync(
                self.Node, epoch, noMoreFor, token), cancellationToken);
            return cluster.Faults.VouchesAlways ? word with { Vouches = true, Epoch = epoch } : word;
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return null;
        }
    }

    public async Task<PeerErasure?> ApplyAsync(
        SyncNode node, ErasureOrder order, IReadOnlyList<KeyId> keys, CancellationToken cancellationToken)
    {
        try
        {
            return await CallAsync(node, SyncSettings.Erasure.CallTimeMax, (parts, token) => parts.Eraser.ApplyAsync(
                order, keys, token), cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException or DatabaseUnavailableException
            or DatabaseOutcomeUnknownException)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            return null; // as the wire has it: its caller looks at its own token
        }
    }

    public IReplicationPeer Of(SyncNode node) => new Peer(cluster, self, cluster.Nodes[node.Id.Value]);

    private Task<T> CallAsync<T>(
        SyncNode node, TimeSpan timeMax, Func<SyncParts, CancellationToken, Task<T>> handle,
        CancellationToken cancellationToken) => cluster.Network.CallAsync(
            self, cluster.Nodes[node.Id.Value], timeMax, handle, cancellationToken);

    private sealed class Peer(SimulatedCluster cluster, SimulatedSyncNode self, SimulatedSyncNode source)
        : IReplicationPeer
    {
        public async Task<IReplicationStream> OpenAsync(
            string timeline, LogPosition position, CancellationToken cancellationToken)
        {
            // The call is made at once; that it fails is heard by reading.
            SimulatedStream stream = new(cluster, source, self);
            _ = cluster.Machine.Outside(() => CarryAsync(stream, timeline, position));
            await Task.Yield();
            return stream;
        }

        public async IAsyncEnumerable<CopiedRows> CopyAsync(ClassId recordClass, IReadOnlyList<SlotId> slots,
            long epoch, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            List<CopiedRows> all;
            try
            {
                all = await cluster.Network.CallAsync(self, source, SyncSettings.Replication.CopyTimeMax,
                    async (parts, token) =>
                    {
                        var verdict = await parts.Source.JudgeCopyAsync(
                            self.Node.Region, self.Node.Name, epoch, recordClass, slots, token);
                        if (verdict != CopyVerdict.Allowed)
                            throw new IOException($"Slots cannot be copied: {verdict}.");
                        List<CopiedRows> copied = [];
                        await foreach (var rows in parts.Source.CopyAsync(recordClass, slots, token))
                            copied.Add(rows);
                        return copied;
                    }, cancellationToken);
            }
            catch (Exception e) when (e is TimeoutException or DatabaseUnavailableException)
            {
                throw new IOException("Slots could not be copied.", e);
            }
            cluster.Watch.Copied(all, self);
            var breaksAt = cluster.Random.Next(10) == 0 ? cluster.Random.Next(all.Count) : all.Count;
            for (var i = 0; i < all.Count; i++)
            {
                if (i == breaksAt)
                    throw new IOException("The simulated copy broke.");
                yield return all[i];
            }
        }

        public async Task<IReadOnlyList<DataKeyLookup>> GetKeysAsync(
            IReadOnlyList<KeyId> ids, CancellationToken cancellationToken)
        {
            try
            {
                return await cluster.Network.CallAsync(self, source, KeysTimeMax, (parts, _) => Task.FromResult(
                    // On the wire keys are bytes: what the one destroys later stays as it was sent.
                    (IReadOnlyList<DataKeyLookup>)[.. parts.Source.KeysFor(self.Node.Region, ids).Select(Copy)]),
                    cancellationToken);
            }
            catch (TimeoutException e)
            {
                throw new IOException("Keys could not be had.", e);
            }
        }

        private static DataKeyLookup Copy(DataKeyLookup found) => found.Key is { } key
            ? found with { Key = key with { Key = key.Key.ToArray() } }
            : found;

        private async Task CarryAsync(SimulatedStream stream, string timeline, LogPosition position)
        {
            var receiving = self.Parts?.Process.EndAsync() ?? Task.CompletedTask;
            try
            {
                await cluster.Network.TravelAsync(self.Number, source.Number);
                if (source.Parts is not { } parts)
                    throw new NotSentException();
                var serving = parts.Process.RunAsync(async () =>
                {
                    await stream.ServeAsync(parts, timeline, position);
                    return 0;
                });
                var first = await Task.WhenAny(serving, receiving);
                if (serving.IsCompletedSuccessfully)
                {
                    await serving; // it has said how it ends
                    return;
                }
                // A process that ended closes its sockets; the other end hears of it, if it hears at all.
                await Task.Delay(cluster.Network.DrawDelay(), cluster.Machine.Time);
                if (first == receiving && cluster.Random.Next(3) == 0)
                    await Task.Delay(TimeSpan.FromSeconds(15), cluster.Machine.Time);
            }
            catch (IOException)
            {
                // Whoever reads the stream hears that it is over.
            }
            stream.End();
        }
    }
}
