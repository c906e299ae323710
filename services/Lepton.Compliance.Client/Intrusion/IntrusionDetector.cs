using System.Globalization;
using System.Threading.Channels;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Takes events from requests' way by a bounded queue, and tells what the engine finds.</summary>
internal sealed partial class IntrusionDetector(IntrusionEngine engine, AlertLog log, IntrusionMetrics metrics,
    IOptions<IntrusionOptions> options, ILogger<IntrusionDetector> logger, IAuditLog? audit = null)
    : BackgroundService, ISecurityEvents
{
    private readonly Channel<SecurityEvent> _queue = Channel.CreateBounded<SecurityEvent>(
        new BoundedChannelOptions(options.Value.QueueMax) { SingleReader = true });

    /// <inheritdoc />
    public void Report(in SecurityEvent e)
    {
        if (!_queue.Writer.TryWrite(e))
            metrics.Dropped("queue_full");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (SecurityEvent e in _queue.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                Take(e);
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                // A bug that one event meets must not end the watch over all others.
                metrics.Dropped("failed");
                LogFailed(fault, e.Kind);
            }
        }
    }

    private void Take(in SecurityEvent e)
    {
        Observation observed = engine.Observe(e);
        if (!observed.Taken)
        {
            metrics.Dropped("time");
            return;
        }
        metrics.Seen(e.Kind);
        if (observed.LocksRefused > 0)
            metrics.LocksRefused(observed.LocksRefused);
        foreach (string rule in observed.Suppressed)
            metrics.Suppressed(rule);
        foreach (AlertChange change in observed.Changes)
            Tell(change);
    }

    private void Tell(in AlertChange change)
    {
        Alert alert = change.Alert;
        log.Put(alert);
        if (change.Opened)
        {
            metrics.Raised(alert);
            Audit("alert.raised", alert);
            LogRaised(alert.Rule, alert.Severity, alert.Principal, alert.Region, alert.Count, log.Id, alert.Number);
        }
        if (change.Locked && alert.LockedUntil is { } until)
        {
            metrics.Locked(alert.Rule);
            Audit("principal.locked", alert);
            LogLocked(alert.Principal, until, alert.Rule, log.Id, alert.Number);
        }
    }

    private void Audit(string action, Alert alert)
    {
        if (audit is null)
            return;
        SecurityEvent last = alert.Events is [.., var e] ? e : default;
        AuditEvent written = new()
        {
            Category = AuditCategory.Security,
            Action = action,
            Outcome = AuditOutcome.Succeeded,
            Reason = alert.Rule,
            Tenant = alert.Tenant,
            Resource = string.Create(CultureInfo.InvariantCulture, $"alerts/{log.Id}-{alert.Number}"),
            Actor = new AuditActor
            {
                // Of an alert about an address the subject is that address.
                Principal = alert.Principal,
                Address = alert.Principal.Length == 0 ? alert.Subject : last.Address?.ToString() ?? "",
                Service = last.IsService,
                TokenId = last.TokenId ?? "",
                CertificateThumbprint = last.Thumbprint ?? "",
            },
            Details =
            {
                ["severity"] = alert.Severity.ToString().ToUpperInvariant(),
                ["events"] = alert.Count.ToString(CultureInfo.InvariantCulture),
            },
        };
        if (alert.LockedUntil is { } until)
            written.Details["locked_until"] = until.ToString("O", CultureInfo.InvariantCulture);
        audit.Report(written);
    }

    // Neither address nor country: the alert itself has them, for those who may read it.
    [LoggerMessage(LogLevel.Warning,
        "Security alert {Rule} ({Severity}): principal '{Principal}', region '{Region}', {Count} events, "
        + "alert {LogId}-{Number}")]
    private partial void LogRaised(
        string rule, AlertSeverity severity, string principal, string region, long count, string logId, ulong number);

    [LoggerMessage(LogLevel.Warning,
        "Principal '{Principal}' is locked until {Until:u} by {Rule}, alert {LogId}-{Number}")]
    private partial void LogLocked(string principal, DateTimeOffset until, string rule, string logId, ulong number);

    [LoggerMessage(LogLevel.Error, "A {Kind} event could not be looked at")]
    private partial void LogFailed(Exception fault, SecurityEventKind kind);
}
