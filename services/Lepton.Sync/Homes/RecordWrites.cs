using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Homes;

/// <summary>Takes writes to their homes: this node, or others, each asked once for all that is theirs.</summary>
internal sealed class RecordWrites(ITopologySource topology, LocalHome local, IPeers peers, ReadCache cache)
{
    /// <summary>Another home, or another map: a topology that changes more often is left to the caller.</summary>
    private const int TriesMax = 3;

    /// <summary>In the order of the commands.</summary>
    public async Task<IReadOnlyList<WriteReply>> WriteAsync(
        IReadOnlyList<WriteCommand> commands, LevelWish wish, CancellationToken cancellationToken)
    {
        var replies = new WriteReply?[commands.Count];
        var open = Enumerable.Range(0, commands.Count).ToList();
        for (var attempt = 1; ; attempt++)
        {
            var now = topology.Current;
            await Task.WhenAll(open
                .GroupBy(i => now.MapOf(commands[i].Address.Class.Id).Home(commands[i].Address.Slot))
                .Select(group => WriteAtAsync(now, group.Key, [.. group], commands, wish, replies, cancellationToken)));
            open = [.. open.Where(i => replies[i]?.Reason is HomeReason.EpochStale or HomeReason.NotHome)];
            if (open.Count == 0)
                break;
            if (attempt == TriesMax || cancellationToken.IsCancellationRequested)
            {
                foreach (var i in open)
                    replies[i] = WriteReply.Failed(HomeReason.HomeUnavailable);
                break;
            }
            await topology.RefreshAsync(cancellationToken);
        }
        return [.. replies.Select(r => r ?? throw new InvalidOperationException("A write has no answer."))];
    }

    private async Task WriteAtAsync(
        Topology now, NodeId home, IReadOnlyList<int> indexes, IReadOnlyList<WriteCommand> commands, LevelWish wish,
        WriteReply?[] replies, CancellationToken cancellationToken)
    {
        if (home == topology.Self.Id)
        {
            await Task.WhenAll(indexes.Select(async i =>
                replies[i] = await local.WriteAsync(now.Epoch, commands[i], wish, cancellationToken)));
            return;
        }
        var answers = await peers.WriteAsync(
            now[home], now.Epoch, [.. indexes.Select(i => commands[i])], wish, cancellationToken);
        for (var i = 0; i < indexes.Count; i++)
        {
            replies[indexes[i]] = answers[i];
            var address = commands[indexes[i]].Address;
            cache.Forget(address.Class.Id, address.StoredKey);
        }
    }
}
