using Lepton.Sync.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Client;

/// <summary>
/// Follows the records under a prefix, at one node and, when that fails, at the next. It resumes where it was by the
/// node's token; at another node, or where the feed has moved on, it watches from now on and scans what is there.
/// </summary>
internal sealed class RecordFeed(
    string prefix, INodes nodes, NodeCalls calls, IOptions<SyncClientOptions> options, ControlMetrics metrics,
    TimeProvider time)
{
    private const int PageSize = 100;

    /// <summary>So long at another node than the first, then that is tried again: it is the nearest.</summary>
    private static readonly TimeSpan ReturnTime = TimeSpan.FromMinutes(5);

    private readonly KnownVersions _known = new(options.Value.RecordsMax);
    private (int Node, string Token)? _place;

    /// <summary>Until it is cancelled.</summary>
    /// <exception cref="RecordsRefusedException">A node refused for good.</exception>
    public async Task RunAsync(FeedReader tell, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            var node = calls.Order()[0];
            try
            {
                await FollowAsync(node, tell, () => failures = 0, cancellationToken);
            }
            catch (NodeFault fault)
            {
                metrics.FeedEnds.Add(1, new KeyValuePair<string, object?>("error.type", fault.Reason));
                if (fault.Kind == NodeFaultKind.TokenExpired && _place is not null)
                {
                    _place = null; // at once, from a scan
                    continue;
                }
                if (fault.Kind == NodeFaultKind.Refused)
                    throw new RecordsRefusedException(fault.Reason, fault.Message, fault);
                calls.Failed(node);
                // The next node at once; after each round over all of them a pause.
                if (++failures % nodes.Count == 0)
                    await Task.Delay(calls.Pause(failures / nodes.Count, fault.RetryAfter), time, cancellationToken);
            }
        }
    }

    private async Task FollowAsync(int node, FeedReader tell, Action began, CancellationToken cancellationToken)
    {
        var token = _place is { } place && place.Node == node ? place.Token : "";
        WatchRequest request = new()
        {
            RecordClass = GlobalRecords.Class, Tenant = GlobalRecords.Tenant, Prefix = prefix, ResumeToken = token,
        };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var watch = nodes.WatchAsync(node, request, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync().AsTask();
        try
        {
            // The first message says that it has begun: what is scanned after it misses nothing.
            await WaitAsync(next, options.Value.CallTimeMax, cancellationToken);
            var checkedAt = await CheckAsync(node, home: token.Length == 0, tell, cancellationToken);
            calls.Succeeded(node);
            began();
            var (startedAt, heardAt) = (time.GetTimestamp(), time.GetTimestamp());
            while (node == 0 || time.GetElapsedTime(startedAt) < ReturnTime)
            {
                if (next.IsCompleted)
                {
                    await next;
                    heardAt = time.GetTimestamp();
                    await TakeAsync(node, watch.Current, tell, cancellationToken);
                    next = watch.MoveNextAsync().AsTask();
                    continue;
                }
                var left = options.Value.CheckInterval - time.GetElapsedTime(checkedAt);
                if (left <= TimeSpan.Zero)
                    checkedAt = await CheckAsync(node, home: false, tell, cancellationToken);
                else
                    await WaitAsync(next, left, options.Value.SilenceMax - time.GetElapsedTime(heardAt),
                        cancellationToken);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it ends the watch's reading
        }
    }

    private async Task TakeAsync(int node, WatchResponse message, FeedReader tell, CancellationToken cancellationToken)
    {
        if (message.Change is { } change)
            await ChangedAsync(change.Key.Key, change.Value.Memory, change.Version, change.Deleted, tell,
                cancellationToken);
        _place = (node, message.ResumeToken);
    }

    /// <summary>Scans: what was missed, and how old what this node has may be.</summary>
    private async Task<long> CheckAsync(int node, bool home, FeedReader tell, CancellationToken cancellationToken)
    {
        if (home)
            try
            {
                await ScanAsync(node, ReadConsistency.Home, tell, cancellationToken);
                return time.GetTimestamp();
            }
            catch (NodeFault fault) when (fault.Kind is NodeFaultKind.NotDone or NodeFaultKind.Unknown)
            {
                // Cut off from the home: what the node has itself is better than nothing, and says how old it is.
            }
        await ScanAsync(node, ReadConsistency.Local, tell, cancellationToken);
        return time.GetTimestamp();
    }

    private async Task ScanAsync(
        int node, ReadConsistency consistency, FeedReader tell, CancellationToken cancellationToken)
    {
        var startedAt = time.GetUtcNow();
        ScanRequest request = new()
        {
            RecordClass = GlobalRecords.Class, Tenant = GlobalRecords.Tenant, Prefix = prefix, PageSize = PageSize,
            Consistency = consistency,
        };
        HashSet<string> seen = new(StringComparer.Ordinal);
        TimeSpan? oldest = TimeSpan.Zero;
        do
        {
            var page = await nodes.ScanAsync(node, request, options.Value.CallTimeMax, cancellationToken);
            foreach (var record in page.Records)
            {
                seen.Add(record.Key.Key);
                await ChangedAsync(
                    record.Key.Key, record.Value.Memory, record.Version, false, tell, cancellationToken);
            }
            var age = page.Freshness is not { } fresh ? null
                : fresh.Home ? TimeSpan.Zero
                : fresh.StalenessMax?.ToTimeSpan();
            oldest = oldest is { } a && age is { } b ? (a > b ? a : b) : null;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        // A replica that is behind lacks what is new: only the home can say that something is gone.
        if (consistency == ReadConsistency.Home)
            foreach (var (key, version) in _known.Missing(seen))
            {
                _known.MarkDeleted(key);
                await tell(new FeedEvent.Changed(key, default, version, IsDeleted: true), cancellationToken);
            }
        if (oldest is { } staleness)
            await tell(new FeedEvent.Confirmed(startedAt - staleness), cancellationToken);
    }

    private ValueTask ChangedAsync(
        string key, ReadOnlyMemory<byte> value, string version, bool isDeleted, FeedReader tell,
        CancellationToken cancellationToken) => _known.TryAdvance(key, version, isDeleted)
            ? tell(new FeedEvent.Changed(key, value, version, isDeleted), cancellationToken)
            : default;

    private async Task WaitAsync(Task next, TimeSpan timeMax, CancellationToken cancellationToken)
    {
        try
        {
            await next.WaitAsync(timeMax, time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new NodeFault(NodeFaultKind.NotDone, "SILENT", "The node did not answer the watch in time.",
                cause: e);
        }
    }

    // Until the next message or the time to look again; a watch without a word for too long is dead.
    private async Task WaitAsync(
        Task next, TimeSpan untilCheck, TimeSpan quiet, CancellationToken cancellationToken)
    {
        if (quiet <= untilCheck)
        {
            await WaitAsync(next, quiet > TimeSpan.Zero ? quiet : TimeSpan.Zero, cancellationToken);
            return;
        }
        try
        {
            await next.WaitAsync(untilCheck, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Time to look again.
        }
    }
}
