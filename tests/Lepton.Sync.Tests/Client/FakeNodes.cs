using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Client;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.Client;

/// <summary>
/// Nodes of Sync that hold one set of records, each its own feed of it, with faults that a test orders. Request ids and
/// expected versions are kept as a home keeps them.
/// </summary>
internal sealed class FakeNodes(int count) : INodes
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Row> _rows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _requests = [];
    private readonly List<(string Key, Row Row)> _log = [];
    private readonly HashSet<Channel<bool>> _bells = [];
    private int _clock;

    public int Count => count;

    /// <summary>Every call, as NODE METHOD.</summary>
    public ConcurrentQueue<string> Calls { get; } = [];

    /// <summary>Before a call is done; throws what is to go wrong.</summary>
    public Action<int, string> Before { get; set; } = (_, _) => { };

    /// <summary>After it was done, before it is answered.</summary>
    public Action<int, string> After { get; set; } = (_, _) => { };

    /// <summary>What local scans say of their age; null: not known.</summary>
    public TimeSpan? Staleness { get; set; } = TimeSpan.Zero;

    /// <summary>What a node does not have yet: its local scans end there.</summary>
    public ConcurrentDictionary<int, int> Behind { get; } = [];

    /// <summary>Feeds begin here: tokens before it are expired.</summary>
    public int LogStart { get; set; }

    public int Watches => Calls.Count(c => c.EndsWith(" watch", StringComparison.Ordinal));

    public string NameOf(int node) => $"node {node}";

    public string Put(string key, ReadOnlyMemory<byte> value)
    {
        lock (_gate)
            return Write(key, value, false);
    }

    public string Put(string key, string value) => Put(key, ByteString.CopyFromUtf8(value).Memory);

    public void Delete(string key)
    {
        lock (_gate)
            Write(key, default, true);
    }

    /// <summary>Every open watch ends, as by a cut.</summary>
    public void CutWatches()
    {
        lock (_gate)
            foreach (Channel<bool> bell in _bells)
                bell.Writer.TryComplete(new NodeFault(NodeFaultKind.Unknown, "Unavailable", "cut"));
    }

    public static NodeFault Fault(NodeFaultKind kind, string version = "") => new(kind, $"{kind}", $"{kind}", version);

    public Task<GetResponse> GetAsync(
        int node, GetRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        RunAsync(node, "get", () => _rows.TryGetValue(request.Key.Key, out Row? row) && !row.IsDeleted
            ? new GetResponse { Record = Record(request.Key.Key, row), Freshness = new Freshness { Home = true } }
            : throw Fault(NodeFaultKind.Absent));

    public Task<PutResponse> PutAsync(
        int node, PutRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        RunAsync(node, "put", () => new PutResponse
        {
            Result = Write(request.Write.Key.Key, request.Write.Value.Memory, false, request.Write.ExpectedVersion,
                request.Write.RequestId),
        });

    public Task<DeleteResponse> DeleteAsync(
        int node, DeleteRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        RunAsync(node, "delete", () => new DeleteResponse
        {
            Result = Write(request.Key.Key, default, true, request.ExpectedVersion, request.RequestId),
        });

    public Task<ScanResponse> ScanAsync(
        int node, ScanRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        RunAsync(node, request.Consistency == ReadConsistency.Home ? "scan-home" : "scan-local", () =>
        {
            bool home = request.Consistency == ReadConsistency.Home;
            Dictionary<string, Row> rows = [];
            int behind = home ? 0 : Behind.GetValueOrDefault(node);
            foreach ((string key, Row row) in _log.Take(_log.Count - behind))
                rows[key] = row;
            ScanResponse page = new() { Freshness = new Freshness { Home = home } };
            if (!home)
                page.Freshness.StalenessMax = Staleness?.ToDuration();
            page.Records.AddRange(rows
                .Where(r => !r.Value.IsDeleted && r.Key.StartsWith(request.Prefix, StringComparison.Ordinal)
                    && string.CompareOrdinal(r.Key, request.PageToken) > 0)
                .OrderBy(r => r.Key, StringComparer.Ordinal).Take(request.PageSize)
                .Select(r => Record(r.Key, r.Value)));
            if (page.Records.Count == request.PageSize)
                page.NextPageToken = page.Records[^1].Key.Key;
            return page;
        });

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        int node, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var bell = Channel.CreateUnbounded<bool>();
        int at = 0;
        await RunAsync(node, "watch", () =>
        {
            string own = $"{node}@";
            at = request.ResumeToken.Length == 0 ? _log.Count
                : request.ResumeToken.StartsWith(own, StringComparison.Ordinal)
                    ? int.Parse(request.ResumeToken[own.Length..], CultureInfo.InvariantCulture)
                    : throw Fault(NodeFaultKind.TokenExpired);
            if (at < LogStart)
                throw Fault(NodeFaultKind.TokenExpired);
            _bells.Add(bell);
            return true;
        });
        yield return new WatchResponse { ResumeToken = $"{node}@{at}" };
        while (true)
        {
            List<(string Key, Row Row)> more;
            lock (_gate)
                more = _log[at..];
            foreach ((string key, Row row) in more)
            {
                at++;
                if (key.StartsWith(request.Prefix, StringComparison.Ordinal))
                    yield return new WatchResponse { Change = Change(key, row), ResumeToken = $"{node}@{at}" };
            }
            try
            {
                await bell.Reader.ReadAsync(cancellationToken);
            }
            catch (ChannelClosedException e) when (e.InnerException is NodeFault fault)
            {
                throw new NodeFault(fault.Kind, fault.Reason, fault.Message, cause: e);
            }
        }
    }

    private async Task<T> RunAsync<T>(int node, string method, Func<T> call)
    {
        Calls.Enqueue($"{node} {method}");
        await Task.Yield();
        Before(node, method);
        T answer;
        lock (_gate)
            answer = call();
        After(node, method);
        return answer;
    }

    private WriteResult Write(
        string key, ReadOnlyMemory<byte> value, bool delete, string expected, string requestId)
    {
        if (_requests.TryGetValue(key + requestId, out string? before))
            return new WriteResult { Version = before, Repeated = true };
        string now = _rows.TryGetValue(key, out Row? row) && !row.IsDeleted ? row.Version : "0";
        if (expected.Length > 0 && expected != now)
            throw Fault(NodeFaultKind.Conflict, now);
        string version = Write(key, value, delete);
        _requests[key + requestId] = version;
        return new WriteResult { Version = version };
    }

    private string Write(string key, ReadOnlyMemory<byte> value, bool delete)
    {
        string version = (++_clock).ToString("D8", CultureInfo.InvariantCulture);
        _rows[key] = new Row(value, version, delete);
        _log.Add((key, _rows[key]));
        foreach (Channel<bool> bell in _bells)
            bell.Writer.TryWrite(true);
        return version;
    }

    private static V1.Record Record(string key, Row row) =>
        new() { Key = Key(key), Value = ByteString.CopyFrom(row.Value.Span), Version = row.Version };

    private static RecordChange Change(string key, Row row) => new()
    {
        Key = Key(key), Value = ByteString.CopyFrom(row.Value.Span), Version = row.Version, Deleted = row.IsDeleted,
    };

    private static RecordKey Key(string key) => new() { RecordClass = "global", Tenant = "platform", Key = key };

    private sealed record Row(ReadOnlyMemory<byte> Value, string Version, bool IsDeleted);
}
