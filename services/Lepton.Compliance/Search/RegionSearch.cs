using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Compliance.Audit;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Search;

/// <summary>Services of the region whose logs did not answer.</summary>
internal sealed class LogsMissingException(IReadOnlyList<string> logs)
    : Exception($"These logs do not answer: {string.Join(", ", logs)}.")
{
    public IReadOnlyList<string> Logs => logs;
}

/// <summary>A page over the region's logs.</summary>
/// <param name="Entries">The newest first.</param>
/// <param name="Next">Where it goes on; null: there is no more.</param>
/// <param name="Logs">Services that were searched.</param>
/// <param name="Missing">Services that were left out.</param>
internal sealed record RegionPage(
    IReadOnlyList<FoundEntry> Entries, SearchPosition? Next, IReadOnlyList<string> Logs, IReadOnlyList<string> Missing);

/// <summary>
/// Searches every log of the region: each by the service that writes it (which has its columns, indexes and persons'
/// keys), and merges what they find. Each log's end is fixed by the first page, so that what is written meanwhile
/// neither shifts a page nor appears in the midst of one.
/// </summary>
internal sealed class RegionSearch(
    LogSearch own, EntryOpener opener, PersonTenants tenants, LogName log, IOptions<PeerOptions> peers, PeerHttp http,
    IOptions<SearchOptions> options, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new();

    /// <summary>The other zones' services.</summary>
    private PeerOptions.Peer[] Others { get; } =
        [.. peers.Value.Peers.Where(p => p.Region == log.Region && p.Name != log.Service)];

    /// <exception cref="LogsMissingException">A log does not answer, and that is not allowed.</exception>
    public async Task<RegionPage> PageAsync(
        AuditFilter wire, SearchPosition? position, int count, bool allowMissing, CancellationToken cancellationToken)
    {
        var missing = position?.Missing ?? [];
        string[] asked =
        [
            .. Others.Select(p => p.Name).Append(log.Service).Where(s => !missing.Contains(s)
                && (position is null || position.Before.ContainsKey(s))).Order(StringComparer.Ordinal),
        ];
        var answers = await Task.WhenAll(asked.Select(
            service => AskAsync(service, wire, position?.Before[service] ?? 0, count + 1, cancellationToken)));
        string[] silent = [.. asked.Where((_, i) => answers[i] is null)];
        // Left out from the first page on or not at all: one that came back in the midst would have gaps.
        if (silent.Length > 0 && (!allowMissing || position is not null))
            throw new LogsMissingException(silent);
        var parts = asked.Zip(answers).Where(p => p.Second is not null)
            .ToDictionary(p => p.First, p => p.Second ?? new SearchLogResponse());
        var taken = Merge(parts, count);
        return new RegionPage([.. taken.Select(t => t.Entry)], Next(wire, parts, taken, [.. missing, .. silent]),
            [.. parts.Keys], [.. missing, .. silent]);
    }

    /// <summary>This service's own part.</summary>
    public async Task<SearchLogResponse> OwnAsync(
        AuditFilter wire, long before, int count, CancellationToken cancellationToken)
    {
        var filter = EntryFilter.Read(wire, log.Region);
        var page = before == 1 ? new LogPage([], 1)
            : await own.NewestAsync(filter, tenants.Names, before, count, cancellationToken);
        return new SearchLogResponse
        {
            Log = log.Value, Entries = { page.Entries.Select(opener.Open) }, EndSequence = (ulong)page.End,
        };
    }

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
    }

    private async Task<SearchLogResponse?> AskAsync(
        string service, AuditFilter wire, long before, int count, CancellationToken cancellationToken)
    {
        if (service == log.Service)
            return await OwnAsync(wire, before, count, cancellationToken);
        var peer = Others.First(p => p.Name == service);
        var channel = _channels.GetOrAdd(
            service, _ => http.CreateChannel(new Uri(peer.Url), "compliance", peer.Region));
        SearchLogRequest request = new() { Filter = wire, BeforeSequence = (ulong)before, Count = count };
        try
        {
            return await new AuditSearchService.AuditSearchServiceClient(channel).SearchLogAsync(request,
                deadline: time.GetUtcNow().UtcDateTime + options.Value.PeerTimeMax,
                cancellationToken: cancellationToken);
        }
        catch (RpcException e) when (RpcErrors.ReasonOf(e) == RpcErrors.ReasonOf(V1.ErrorReason.SearchTooBroad))
        {
            throw new SearchTooBroadException(e.Status.Detail);
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            return null; // said by who asked: by name, in the answer or the refusal
        }
    }

    private static List<(string Service, FoundEntry Entry)> Merge(
        IReadOnlyDictionary<string, SearchLogResponse> parts, int count) =>
    [
        .. parts.SelectMany(p => p.Value.Entries.Select(e => (Service: p.Key, Entry: e)))
            .OrderByDescending(e => e.Entry.WriteTime.ToDateTimeOffset())
            .ThenBy(e => e.Service, StringComparer.Ordinal).ThenByDescending(e => e.Entry.Sequence)
            .Take(count),
    ];

    private static SearchPosition? Next(
        AuditFilter wire, IReadOnlyDictionary<string, SearchLogResponse> parts,
        List<(string Service, FoundEntry Entry)> taken, IReadOnlyList<string> missing)
    {
        var lowest = taken.GroupBy(t => t.Service).ToDictionary(g => g.Key, g => (long)g.Min(t => t.Entry.Sequence));
        var before = parts.ToDictionary(p => p.Key, p => taken.Count(t => t.Service == p.Key) == p.Value.Entries.Count
            ? 1 // one more than a page was asked for: it has no more
            : lowest.GetValueOrDefault(p.Key, (long)p.Value.EndSequence));
        return before.Values.All(b => b == 1)
            ? null
            : new SearchPosition(SearchPosition.DigestOf(wire), before, missing);
    }
}

/// <summary>Tenants under which a person may be known: a person's name is told apart by tenant.</summary>
internal sealed class PersonTenants(AccessFile access)
{
    /// <summary>Those that the access document and roles name; and none: who proved nothing has none.</summary>
    public IReadOnlyCollection<string> Names
    {
        get
        {
            var snapshot = access.Current;
            return snapshot.Document.Tenants.Keys
                .Concat(snapshot.Document.Assignments.Select(a => a.Tenant ?? ""))
                .Concat(snapshot.Granted.Assignments.SelectMany(g => (string[])[g.Tenant ?? "", g.GrantedFor]))
                .Append("platform").Append("").Where(t => t != "*").ToHashSet(StringComparer.Ordinal);
        }
    }
}
