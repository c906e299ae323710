using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Google.Protobuf;
using Lepton.Sync.V1;

namespace Lepton.Sync.Client;

/// <summary>
/// Records of class <c>global</c> of the platform's own tenant: every region has them, one region writes. Calls are
/// repeated at the other nodes within <c>SyncClient:TimeMax</c> and the budget of repetitions; a write keeps its
/// request id, so that it is written once.
/// </summary>
public sealed class GlobalRecords
{
    /// <summary>The record class.</summary>
    public const string Class = "global";

    /// <summary>Whose they are.</summary>
    public const string Tenant = "platform";

    private const int ChangesWaitingMax = 256;

    private readonly INodes _nodes;
    private readonly NodeCalls _calls;
    private readonly Func<string, RecordFeed> _feeds;

    internal GlobalRecords(INodes nodes, NodeCalls calls, Func<string, RecordFeed> feeds) =>
        (_nodes, _calls, _feeds) = (nodes, calls, feeds);

    /// <summary>Reads one record; null: there is none.</summary>
    /// <param name="key">1 to 1,024 bytes of UTF-8.</param>
    /// <param name="codec">What it holds.</param>
    /// <param name="local">By the replica of the node that is asked, which may be behind. Default: by its home.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RecordsUnavailableException">No node could answer in time.</exception>
    /// <exception cref="RecordsRefusedException">A node refused for good.</exception>
    /// <exception cref="RecordFormatException">The record is no such value.</exception>
    public async Task<GlobalRecord<T>?> GetAsync<T>(
        string key, IRecordCodec<T> codec, bool local = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(codec);
        GetRequest request = new()
        {
            Key = KeyOf(key), Consistency = local ? ReadConsistency.Local : ReadConsistency.Home,
        };
        try
        {
            var answer = await _calls.RunAsync(
                (node, timeMax, token) => _nodes.GetAsync(node, request, timeMax, token), cancellationToken);
            return new GlobalRecord<T>(key, codec.Read(answer.Record.Value.Memory), answer.Record.Version,
                answer.Freshness.Home ? TimeSpan.Zero : answer.Freshness.StalenessMax?.ToTimeSpan());
        }
        catch (NodeFault fault) when (fault.Kind == NodeFaultKind.Absent)
        {
            return null;
        }
        catch (NodeFault fault)
        {
            throw Failure(fault);
        }
    }

    /// <summary>Writes one record.</summary>
    /// <param name="key">1 to 1,024 bytes of UTF-8.</param>
    /// <param name="value">The new value.</param>
    /// <param name="codec">How it is written.</param>
    /// <param name="expectedVersion">Only if this is its version; <c>0</c>: only if there is none; null: in any
    /// case.</param>
    /// <param name="requestId">Of an earlier try whose outcome was not known; null: a write of its own.</param>
    /// <param name="cancellationToken">Ends the wait; whether it was written is then not known.</param>
    /// <exception cref="RecordsRefusedException">A node refused for good.</exception>
    public Task<WriteOutcome> PutAsync<T>(
        string key, T value, IRecordCodec<T> codec, string? expectedVersion = null, Guid? requestId = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(codec);
        var id = requestId ?? Guid.CreateVersion7();
        PutRequest request = new()
        {
            Write = new Write
            {
                Key = KeyOf(key), Value = UnsafeByteOperations.UnsafeWrap(codec.Write(value)),
                ExpectedVersion = expectedVersion ?? "", RequestId = id.ToString("D"),
            },
        };
        return WriteAsync(async (node, timeMax, token) =>
            (await _nodes.PutAsync(node, request, timeMax, token)).Result, id, cancellationToken);
    }

    /// <summary>Deletes one record; the arguments are those of <see cref="PutAsync"/>.</summary>
    /// <exception cref="RecordsRefusedException">A node refused for good.</exception>
    public Task<WriteOutcome> DeleteAsync(
        string key, string? expectedVersion = null, Guid? requestId = null,
        CancellationToken cancellationToken = default)
    {
        var id = requestId ?? Guid.CreateVersion7();
        DeleteRequest request = new()
        {
            Key = KeyOf(key), ExpectedVersion = expectedVersion ?? "", RequestId = id.ToString("D"),
        };
        return WriteAsync(async (node, timeMax, token) =>
            (await _nodes.DeleteAsync(node, request, timeMax, token)).Result, id, cancellationToken);
    }

    /// <summary>
    /// First all records under a prefix, then their changes, for as long as it is read: each key's versions only grow,
    /// none is told twice, and of several that came while no node could be reached only the last. Bounded: a reader
    /// that is slow holds up the feed.
    /// </summary>
    /// <param name="prefix">What keys begin with; empty: all.</param>
    /// <param name="codec">What they hold.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RecordFormatException">A record is no such value.</exception>
    /// <exception cref="RecordsRefusedException">A node refused for good.</exception>
    public async IAsyncEnumerable<RecordChange<T>> WatchAsync<T>(
        string prefix, IRecordCodec<T> codec, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(codec);
        var changes = Channel.CreateBounded<FeedEvent.Changed>(ChangesWaitingMax);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = FollowAsync(_feeds(prefix), changes.Writer, stop.Token);
        try
        {
            await foreach (var change in changes.Reader.ReadAllAsync(cancellationToken))
                yield return new RecordChange<T>(
                    change.Key, change.IsDeleted ? default : codec.Read(change.Value), change.Version,
                    change.IsDeleted);
        }
        finally
        {
            await stop.CancelAsync();
            await following;
        }
    }

    // What ends the feed is told to the reader by the channel.
    private static async Task FollowAsync(
        RecordFeed feed, ChannelWriter<FeedEvent.Changed> to, CancellationToken cancellationToken)
    {
        try
        {
            await feed.RunAsync(
                async (what, token) =>
                {
                    if (what is FeedEvent.Changed change)
                        await to.WriteAsync(change, token);
                },
                cancellationToken);
            to.Complete();
        }
        catch (Exception e)
        {
            to.TryComplete(e); // it is the reader's
        }
    }

    private async Task<WriteOutcome> WriteAsync(
        Func<int, TimeSpan, CancellationToken, Task<WriteResult>> write, Guid id, CancellationToken cancellationToken)
    {
        try
        {
            var result = await _calls.RunAsync(write, cancellationToken);
            return new WriteOutcome.Done(result.Version, result.Repeated);
        }
        catch (NodeFault fault)
        {
            return fault.Kind switch
            {
                NodeFaultKind.Conflict => new WriteOutcome.Conflict(fault.Version),
                NodeFaultKind.Unconfirmed => new WriteOutcome.Unconfirmed(fault.Version, id),
                NodeFaultKind.Unknown => new WriteOutcome.Unknown(id, fault.Message),
                NodeFaultKind.NotDone or NodeFaultKind.Elsewhere => new WriteOutcome.NotDone(fault.Message),
                _ => throw Failure(fault),
            };
        }
    }

    private static RecordKey KeyOf(string key) => new() { RecordClass = Class, Tenant = Tenant, Key = key };

    private static Exception Failure(NodeFault fault) => fault.Kind is NodeFaultKind.Refused or NodeFaultKind.Absent
        or NodeFaultKind.TokenExpired
            ? new RecordsRefusedException(fault.Reason, fault.Message, fault)
            : new RecordsUnavailableException($"No node of Sync could answer: {fault.Message}", fault);
}
