using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Agent.Spot;

/// <summary>
/// Asks whether this node will be taken back, and has it drain when it will: routers hear it with the next report,
/// send their work elsewhere, and the region's scaling replaces the node. A source that fails is said once, and no
/// reason to drain.
/// </summary>
internal sealed partial class SpotWatch : BackgroundService
{
    private static readonly TimeSpan AskMax = TimeSpan.FromSeconds(3);

    private readonly ISpotNotices? _notices;
    private readonly NodeAgent _agent;
    private readonly Counter<long> _heard;
    private readonly TimeProvider _time;
    private readonly SpotOptions _options;
    private readonly ILogger<SpotWatch> _logger;

    /// <param name="notices">Null: this is no spot node.</param>
    public SpotWatch(ISpotNotices? notices, NodeAgent agent, InferenceMetrics metrics, TimeProvider time,
        IOptions<SpotOptions> options, ILogger<SpotWatch> logger)
    {
        (_notices, _agent, _time, _options, _logger) = (notices, agent, time, options.Value, logger);
        long startedAt = time.GetTimestamp();
        _heard = metrics.Spot(() => notices is null ? 0 : time.GetElapsedTime(startedAt).TotalSeconds);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_notices is null)
            return;
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(_options.PollMilliseconds), _time);
        bool failing = false;
        do
        {
            (SpotNotice? notice, string? fault) = await AskAsync(_notices, stoppingToken);
            if (fault is not null && !failing)
                LogFailing(_options.Source, fault);
            failing = fault is not null;
            if (notice is null)
                continue;
            _heard.Add(1);
            LogNoticed(_options.Source, notice.Detail, notice.Time);
            _agent.Interrupt();
            return;
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<(SpotNotice?, string?)> AskAsync(ISpotNotices source, CancellationToken stopping)
    {
        using CancellationTokenSource limit = new(AskMax, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping);
        try
        {
            return (await source.AskAsync(either.Token), null);
        }
        catch (HttpRequestException e)
        {
            return (null, e.Message);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return (null, $"no answer within {AskMax}");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "{Source} says that this node will be taken back ({Detail}, {Time}): it drains")]
    private partial void LogNoticed(string source, string detail, DateTimeOffset? time);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Source} cannot be asked for interruptions: {Why}")]
    private partial void LogFailing(string source, string why);
}
