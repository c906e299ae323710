using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Which tokens were taken back before their time: asked of each authority that has a list
/// (<see cref="IssuerOptions.RevocationsUrl"/>) every second, page by page from where the last one ended.
/// </summary>
internal sealed partial class Revocations : BackgroundService
{
    /// <summary>One authority's entries at most; beyond it the list counts as not readable.</summary>
    private const int EntriesMax = 100_000;

    private const int PageBytesMax = 4 << 20, PagesMax = 1000;
    private static readonly TimeSpan FetchTimeMax = TimeSpan.FromSeconds(3);

    private readonly List<Feed> _feeds;
    private readonly TokenOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<Revocations> _logger;

    public Revocations(
        IOptions<TokenOptions> options, TlsMaterial material, TimeProvider time, ILogger<Revocations> logger)
    {
        (_options, _time, _logger) = (options.Value, time, logger);
        _feeds = [.. _options.Issuers.Where(i => i.RevocationsUrl.Length > 0)
            .Select(i => new Feed(i, IssuerKeys.Handler(i, material, showCertificate: true), time.GetTimestamp()))];
    }

    /// <summary>Raised when there are new entries: what is cached must be looked at again.</summary>
    public event Action? Changed;

    /// <summary>Was this token taken back?</summary>
    public bool Has(AccessToken token) => Find(token.Issuer) is { } feed && feed.Has(token);

    /// <summary>Has this authority's list not been read for longer than operators' calls may rely on it?</summary>
    public bool AreStale(string issuer) =>
        Find(issuer) is { } feed && _time.GetElapsedTime(feed.ReadAt) > _options.RevocationsAgeMax;

    /// <summary>The age of each authority's list, for metrics.</summary>
    public IEnumerable<(string Issuer, TimeSpan Age)> Ages() =>
        _feeds.Select(f => (f.Options.Name, _time.GetElapsedTime(f.ReadAt)));

    public override void Dispose()
    {
        base.Dispose();
        foreach (var feed in _feeds)
            feed.Http.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_feeds.Count == 0)
            return;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(_feeds.Select(f => ReadAsync(f, stoppingToken)))
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(_options.RevocationsInterval, _time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Feed? Find(string issuer)
    {
        foreach (var feed in _feeds)
            if (feed.Options.Name == issuer)
                return feed;
        return null;
    }

    private async Task ReadAsync(Feed feed, CancellationToken cancellation)
    {
        try
        {
            for (var pages = 0; pages < PagesMax; pages++)
            {
                var separator = feed.Options.RevocationsUrl.Contains('?', StringComparison.Ordinal) ? '&' : '?';
                var page = await feed.Http.GetFromJsonAsync<Page>(
                    $"{feed.Options.RevocationsUrl}{separator}after={feed.Next}", cancellation)
                    ?? throw new JsonException("null");
                feed.Take(page, _time.GetUtcNow());
                if (page.Revocations.Count > 0)
                    Changed?.Invoke();
                if (page.Revocations.Count == 0 || page.Next == feed.Next)
                    break;
                feed.Next = page.Next;
            }
            feed.ReadAt = _time.GetTimestamp();
            feed.Failed = false;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or InvalidOperationException
            or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            if (!feed.Failed)
                LogNotRead(e, feed.Options.Name);
            feed.Failed = true;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The revocations of {Issuer} cannot be read; those known stay in force")]
    private partial void LogNotRead(Exception e, string issuer);

    private sealed class Feed(IssuerOptions options, HttpMessageHandler handler, long now)
    {
        private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, DateTimeOffset> _sessions = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, (DateTimeOffset Before, DateTimeOffset Expire)> _subjects =
            new(StringComparer.Ordinal);

        public IssuerOptions Options => options;

        public HttpClient Http { get; } = new(handler)
        {
            Timeout = FetchTimeMax, MaxResponseContentBufferSize = PageBytesMax,
        };

        public long Next { get; set; }

        /// <summary>When the list was last read to its end; at first: when this process started.</summary>
        public long ReadAt { get; set; } = now;

        public bool Failed { get; set; }

        public bool Has(AccessToken token) =>
            (token.Id.Length > 0 && _tokens.ContainsKey(token.Id))
            || (token.Session.Length > 0 && _sessions.ContainsKey(token.Session))
            || (_subjects.TryGetValue(token.Subject, out var ended) && token.IssueTime < ended.Before);

        public void Take(Page page, DateTimeOffset now)
        {
            foreach (var entry in page.Revocations)
            {
                var expire = DateTimeOffset.FromUnixTimeSeconds(entry.Expire);
                if (entry.TokenId is { } id)
                    _tokens[id] = expire;
                else if (entry.Session is { } session)
                    _sessions[session] = expire;
                else if (entry is { Subject: { } subject, Before: { } before })
                    _subjects[subject] = (DateTimeOffset.FromUnixTimeSeconds(before), expire);
                else
                    throw new JsonException("A revocation takes jti, sid, or sub and before.");
            }
            // A minute more than the tokens live, for clocks that differ.
            var over = now - TimeSpan.FromMinutes(1);
            Sweep(_tokens, e => e < over);
            Sweep(_sessions, e => e < over);
            Sweep(_subjects, e => e.Expire < over);
            if (_tokens.Count + _sessions.Count + _subjects.Count > EntriesMax)
                throw new InvalidOperationException($"More than {EntriesMax} revocations are in force.");
        }

        private static void Sweep<T>(ConcurrentDictionary<string, T> entries, Func<T, bool> isOver)
        {
            foreach (var (key, entry) in entries)
                if (isOver(entry))
                    entries.TryRemove(key, out _);
        }
    }

    private sealed record Page(
        [property: JsonPropertyName("next"), JsonRequired] long Next,
        [property: JsonPropertyName("revocations"), JsonRequired] IReadOnlyList<Entry> Revocations);

    private sealed record Entry(
        [property: JsonPropertyName("jti")] string? TokenId,
        [property: JsonPropertyName("sid")] string? Session,
        [property: JsonPropertyName("sub")] string? Subject,
        [property: JsonPropertyName("before")] long? Before,
        [property: JsonPropertyName("exp"), JsonRequired] long Expire);
}
