using System.Text;
using Lepton.Sync.Homes;
using Lepton.Sync.Records;
using Lepton.Sync.V1;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>What clients do: puts, deletes, conditional puts and reads, each at some node that may serve the class; and
/// again with the same request id where they don't know.</summary>
internal sealed class ClusterClients(SimulatedCluster cluster)
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(8);

    private readonly Dictionary<SimulatedKey, RecordVersion> _seen = [];
    private int _number;

    private Random Random => cluster.Random;

    /// <summary>One client, one thing after another.</summary>
    public async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(
                TimeSpan.FromMilliseconds(Random.Next(20, 900)), cluster.Machine.Time, CancellationToken.None);
            var key = cluster.Keys[Random.Next(cluster.Keys.Count)];
            if (Random.Next(100) < 35)
                await ReadAsync(key);
            else
                await WriteAsync(key);
        }
    }

    /// <summary>Reads until there is an answer.</summary>
    public async Task ReadLastAsync(SimulatedKey key, TimeSpan timeMax)
    {
        var until = cluster.Machine.Elapsed + timeMax;
        while (!await ReadAsync(key))
        {
            if (cluster.Machine.Elapsed > until)
            {
                cluster.Watch.Fail($"key {key} cannot be read within {timeMax} after healing");
                return;
            }
            await Task.Delay(TimeSpan.FromSeconds(1), cluster.Machine.Time);
        }
    }

    private async Task<bool> ReadAsync(SimulatedKey key)
    {
        ClientOperation read = New(key, isRead: true, null, null);
        var found = await AskAsync(key, (parts, token) => parts.Reads.ReadAsync(
            [parts.Address(key.Class, key.Name)], ReadConsistency.Home, TimeSpan.FromSeconds(5), token));
        if (found is not [{ State: not FoundState.Unavailable } one])
            return false;
        (read.Ended, read.End, read.Version) = (cluster.Machine.Elapsed, OperationEnd.Done, one.Version);
        read.Value = one.State == FoundState.Found ? Encoding.UTF8.GetString(one.Value.Span) : null;
        if (one.State == FoundState.Damaged || (one.State == FoundState.Erased && key.Subject is null))
            cluster.Watch.Fail($"a row is {one.State}: {read}");
        _seen[key] = one.Version;
        return true;
    }

    private async Task WriteAsync(SimulatedKey key)
    {
        var isDelete = Random.Next(8) == 0;
        RecordVersion? expected = Random.Next(5) == 0 ? _seen.GetValueOrDefault(key) : null;
        var write = New(key, isRead: false, isDelete ? null : $"v{_number}", expected);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (await TryAsync(write) || Random.Next(4) == 0)
                return;
            write.WasUnknown = true;
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Next(50, 2000)), cluster.Machine.Time);
        }
    }

    // True: what became of it is known.
    private async Task<bool> TryAsync(ClientOperation write)
    {
        IReadOnlyList<WriteReply>? replies = await AskAsync(write.Key, (parts, token) =>
        {
            var address = parts.Address(write.Key.Class, write.Key.Name);
            if (Levels.Unreachable(write.Level, write.OtherRegions, parts.Topology.Current, address) is not null)
                write.Level = WriteLevel.Unspecified; // it would be refused as a field that is wrong
            WriteCommand command = new()
            {
                Address = address,
                Kind = write.Value is null ? RecordKind.Tombstone : RecordKind.Value,
                Value = Encoding.UTF8.GetBytes(write.Value ?? ""),
                Expected = write.Expected,
                Subject = write.Key.Subject,
                RequestId = write.RequestId,
            };
            return parts.Writes.WriteAsync([command], new LevelWish(write.Level, write.OtherRegions), token);
        });
        if (replies is not [var reply])
            return false;
        (write.Reason, write.Durability) = (reply.Reason, reply.Durability);
        switch (reply.Reason)
        {
            case HomeReason.Ok or HomeReason.Unconfirmed:
                (write.End, write.Ended, write.Version) =
                    (OperationEnd.Done, cluster.Machine.Elapsed, reply.Version);
                _seen[write.Key] = reply.Version;
                if (cluster.Checks.Placed(write) is { } wrong)
                    cluster.Watch.Fail(wrong);
                return true;
            case HomeReason.Conflict:
                var conflict = write;
                if (write.WasUnknown)
                    conflict = New(write.Key, isRead: false, write.Value, write.Expected, write.Began);
                (conflict.End, conflict.Ended, conflict.Version, conflict.Reason) =
                    (OperationEnd.Conflict, cluster.Machine.Elapsed, reply.Version, reply.Reason);
                _seen[write.Key] = reply.Version;
                return true;
            case HomeReason.OutcomeUnknown:
                return false;
            default:
                if (!write.WasUnknown)
                    (write.End, write.Ended) = (OperationEnd.Refused, cluster.Machine.Elapsed);
                return true;
        }
    }

    private ClientOperation New(
        SimulatedKey key, bool isRead, string? value, RecordVersion? expected, TimeSpan? began = null)
    {
        var bytes = new byte[16];
        Random.NextBytes(bytes);
        ClientOperation operation = new()
        {
            Number = _number++, Key = key, IsRead = isRead, Value = value, Expected = expected,
            RequestId = new Guid(bytes), Began = began ?? cluster.Machine.Elapsed,
            Level = (WriteLevel)Random.Next(0, 5), OtherRegions = Random.Next(1, 3),
        };
        cluster.Watch.Operations.Add(operation);
        return operation;
    }

    /// <summary>Calls some node of an allowed region; null: there is none, or its answer did not come.</summary>
    private async Task<T?> AskAsync<T>(SimulatedKey key, Func<SyncParts, CancellationToken, Task<T>> act)
        where T : class
    {
        var recordClass = cluster.Store.Current[key.Class];
        var nodes = cluster.Nodes.Where(n => n.Parts is not null && recordClass.Allows(n.Node.Region)).ToList();
        if (nodes.Count == 0 || nodes[Random.Next(nodes.Count)].Parts is not { } parts)
            return null;
        await Task.Delay(cluster.Network.DrawDelay(), cluster.Machine.Time);
        // As RecordEndpoint does: it ends early enough to say how far a write came.
        using CancellationTokenSource patience = new(TimeMax - TimeSpan.FromMilliseconds(100), parts.Time);
        using CancellationTokenSource waiting = new();
        var work = parts.Process.RunAsync(() => act(parts, patience.Token));
        var first = await Task.WhenAny(work, Task.Delay(TimeMax, cluster.Machine.Time, waiting.Token));
        waiting.Cancel();
        if (first != work || Random.Next(50) == 0)
            return null; // it went away, it hangs, or the answer is lost
        try
        {
            var result = await work;
            await Task.Delay(cluster.Network.DrawDelay(), cluster.Machine.Time);
            return result;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }
}
