using System.Text.Json;
using Lepton.Compliance.Audit.People;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Checks;

/// <summary>Somebody touched a log, or signed two histories.</summary>
/// <param name="Log">Which.</param>
/// <param name="Kind">What kind of damage, for metrics: entry, columns, gap, tree, head, truncated, history,
/// copy.</param>
/// <param name="Detail">What exactly, for people. Nothing personal.</param>
/// <param name="Time">When it was first found.</param>
internal sealed record Alarm(string Log, string Kind, string Detail, DateTimeOffset Time);

/// <summary>
/// Alarms stay for good: in a file outside the database, in the health state and in a metric, until a person takes the
/// file away. Each is told once. Safe for concurrent use.
/// </summary>
internal sealed partial class Alarms(
    IOptions<AuditOptions> options, AuditMetrics metrics, TimeProvider time, ILogger<Alarms> logger) : IHealthCheck
{
    private const int AlarmsMax = 1000; // each is one too many; a table that was rebuilt would raise one a row
    private const int ShownMax = 5;

    private readonly Lock _lock = new();
    private readonly List<Alarm> _alarms = [];
    private bool _isLoaded;

    /// <summary>A new one was raised.</summary>
    public event Action<Alarm>? Raised;

    public IReadOnlyList<Alarm> All
    {
        get
        {
            lock (_lock)
            {
                Load();
                return [.. _alarms];
            }
        }
    }

    /// <summary>The file.</summary>
    public string File => Path.Combine(options.Value.DataDirectory, "alarms.jsonl");

    public void Raise(string log, string kind, string detail)
    {
        Alarm alarm = new(log, kind, detail, time.GetUtcNow());
        lock (_lock)
        {
            Load();
            if (_alarms.Count >= AlarmsMax || _alarms.Any(a => a.Log == log && a.Kind == kind && a.Detail == detail))
                return;
            _alarms.Add(alarm);
            try
            {
                SecretFolder.Ensure(options.Value.DataDirectory);
                using FileStream file = new(File, FileMode.Append, FileAccess.Write);
                file.Write([.. JsonSerializer.SerializeToUtf8Bytes(alarm), (byte)'\n']);
                file.Flush(flushToDisk: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNotKept(e);
            }
        }
        metrics.Damage(kind);
        LogAlarm(log, kind, detail);
        Raised?.Invoke(alarm);
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var all = All;
        return Task.FromResult(all.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"{all.Count} alarms, in {File}: "
                + string.Join("; ", all.Take(ShownMax).Select(a => $"{a.Log}: {a.Kind}: {a.Detail}"))));
    }

    private void Load()
    {
        if (_isLoaded)
            return;
        _isLoaded = true;
        if (!System.IO.File.Exists(File))
            return;
        foreach (var line in System.IO.File.ReadLines(File).Where(l => l.Length > 0))
        {
            try
            {
                if (JsonSerializer.Deserialize<Alarm>(line) is { } alarm)
                    _alarms.Add(alarm);
            }
            catch (JsonException e)
            {
                LogUnreadable(e); // a crash as it was written; what raised it raises it again
            }
        }
    }

    [LoggerMessage(LogLevel.Critical, "AUDIT LOG {Log} IS DAMAGED ({Kind}): {Detail}")]
    private partial void LogAlarm(string log, string kind, string detail);

    [LoggerMessage(LogLevel.Error, "An alarm could not be kept")]
    private partial void LogNotKept(Exception e);

    [LoggerMessage(LogLevel.Warning, "A kept alarm cannot be read")]
    private partial void LogUnreadable(Exception e);
}
