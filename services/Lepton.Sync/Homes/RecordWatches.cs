using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Sealing;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>
/// Follows what this node commits, its own writes and what it replicates, in the order of its log. One that does not
/// hold every slot of a class refuses, and says which nodes do: a token is of one node's log, so who asked another
/// through this one would lose its place whenever another was taken.
/// </summary>
internal sealed class RecordWatches(
    Spool spool, ITopologySource topology, RowOpener opener, IOptions<HomeOptions> options, TimeProvider time)
{
    /// <summary>How often a watch without changes hears where it is.</summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);

    private int _open;

    /// <summary>Watches that are open.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Until it is cancelled, or what comes next is no longer held here.</summary>
    public async Task FollowAsync(
        RecordClass recordClass, string tenant, string prefix, string resumeToken,
        Func<V1.WatchResponse, CancellationToken, Task> tell, CancellationToken cancellationToken)
    {
        var holders = Holders(topology.Current, recordClass);
        if (holders.All(n => n.Id != topology.Self.Id))
            throw SyncErrors.WatchElsewhere(recordClass, topology.Self.Name, [.. holders.Select(n => n.Name)]);
        if (Interlocked.Increment(ref _open) > options.Value.WatchesMax)
        {
            Interlocked.Decrement(ref _open);
            throw SyncErrors.TooManyWatches();
        }
        try
        {
            await FollowAsync(
                Reader(resumeToken), recordClass, tenant, prefix, tell, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task FollowAsync(
        (string Timeline, LogPosition Position, SpoolReader Reader) from, RecordClass recordClass, string tenant,
        string prefix, Func<V1.WatchResponse, CancellationToken, Task> tell, CancellationToken cancellationToken)
    {
        var (timeline, position, reader) = from;
        // At once: a watch that has begun misses nothing, and its caller has a token to come back with.
        await tell(new V1.WatchResponse { ResumeToken = Token(timeline, position) }, cancellationToken);
        var toldAt = time.GetTimestamp();
        while (true)
        {
            if (time.GetElapsedTime(toldAt) >= HeartbeatInterval)
            {
                await tell(new V1.WatchResponse { ResumeToken = Token(timeline, position) }, cancellationToken);
                toldAt = time.GetTimestamp();
            }
            var more = reader.Next;
            var entry = await reader.TryReadAsync(cancellationToken);
            if (reader.IsLost)
                throw SyncErrors.ResumeTokenExpired();
            if (entry is null)
            {
                await AsyncSignal.WaitAnyAsync(more, more, HeartbeatInterval, time, cancellationToken);
                continue;
            }
            foreach (var row in entry.Rows)
                if (row.Class == recordClass.Id
                    && await ChangeAsync(row.Read(), tenant, prefix, cancellationToken) is { } change)
                    // Inside a transaction one begins again before it: at least once.
                    await tell(new V1.WatchResponse { Change = change, ResumeToken = Token(timeline, position) },
                        cancellationToken);
            if (entry.IsComplete)
                position = entry.Position;
        }
    }

    private async Task<V1.RecordChange?> ChangeAsync(
        StoredRecord row, string tenant, string prefix, CancellationToken cancellationToken)
    {
        var home = topology.Current[topology.Current.MapOf(row.Class).Home(row.Slot)];
        var opened = await opener.OpenAsync(row, home, cancellationToken);
        // What nobody can read any more has no key to name either.
        if (opened.Tenant != tenant || !opened.Key.StartsWith(prefix, StringComparison.Ordinal)
            || opened.State is OpenState.Damaged or OpenState.KeyMissing)
            return null;
        V1.RecordChange change = new()
        {
            Key = new V1.RecordKey
            {
                RecordClass = topology.Current[row.Class].Name, Tenant = opened.Tenant, Key = opened.Key,
            },
            Deleted = row.Kind == RecordKind.Tombstone || opened.State == OpenState.Erased,
            Version = row.Version.ToString(),
            WriteTime = row.Version.WriteTime.ToTimestamp(),
        };
        if (!change.Deleted)
            change.Value = UnsafeByteOperations.UnsafeWrap(opened.Value);
        return change;
    }

    private (string Timeline, LogPosition Position, SpoolReader Reader) Reader(string token)
    {
        var (timeline, position) = token.Length == 0 ? (spool.Timeline, spool.End) : Parse(token);
        return spool.OpenReader(timeline, position) is { } reader
            ? (timeline, position, reader)
            : token.Length == 0 ? throw SyncErrors.HomeUnavailable() : throw SyncErrors.ResumeTokenExpired();
    }

    /// <summary>The nodes that hold every slot of a class.</summary>
    public static IReadOnlyList<SyncNode> Holders(Topology now, RecordClass recordClass)
    {
        var map = now.MapOf(recordClass.Id);
        return [.. now.Nodes.Where(node =>
            Enumerable.Range(0, SlotId.Count).All(slot => map.Holds(node.Id, new SlotId((short)slot))))];
    }

    private static string Token(string timeline, LogPosition position)
    {
        var bytes = new byte[8 + Encoding.UTF8.GetByteCount(timeline)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, position.Value);
        Encoding.UTF8.GetBytes(timeline, bytes.AsSpan(8));
        return Base64Url.EncodeToString(bytes);
    }

    private static (string Timeline, LogPosition Position) Parse(string token)
    {
        if (token.Length > 512 || !Base64Url.IsValid(token) 
            || Base64Url.DecodeFromChars(token) is not { Length: > 8 } bytes)
            throw SyncErrors.FieldInvalid("resume_token", "takes the resume_token of an earlier watch, or nothing");
        return (Encoding.UTF8.GetString(bytes.AsSpan(8)),
            new LogPosition(BinaryPrimitives.ReadUInt64BigEndian(bytes)));
    }
}
