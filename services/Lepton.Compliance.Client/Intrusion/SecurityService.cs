using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Wire = Lepton.Platform.V1;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>The alert log over gRPC.</summary>
internal sealed class SecurityService(AlertLog log, AlertReaders readers, IntrusionMetrics metrics,
    IOptions<IntrusionOptions> options, IHostApplicationLifetime lifetime) : Wire.SecurityService.SecurityServiceBase
{
    private const int PageSizeDefault = 100, PageSizeMax = 1_000, BatchMax = 64;

    public override Task<Wire.ListAlertsResponse> ListAlerts(Wire.ListAlertsRequest request, ServerCallContext context)
    {
        AlertScope scope = readers.Scope(context);
        if (request.PageSize is < 0 or > PageSizeMax)
            throw SecurityErrors.FieldInvalid("page_size",
                $"takes 0 to {PageSizeMax}; 0 means {PageSizeDefault}");
        int size = request.PageSize == 0 ? PageSizeDefault : request.PageSize;
        IReadOnlyList<Alert> alerts = log.Newest(Before(request.PageToken), size, a => scope.Sees(a)
            && (request.Rule.Length == 0 || a.Rule == request.Rule)
            && (request.Principal.Length == 0 || a.Principal == request.Principal));
        Wire.ListAlertsResponse response = new();
        response.Alerts.AddRange(alerts.Take(size).Select(Wire));
        if (alerts.Count > size)
            response.NextPageToken = string.Create(CultureInfo.InvariantCulture,
                $"{log.Id}-{alerts[size - 1].Number}");
        return Task.FromResult(response);
    }

    public override async Task WatchAlerts(Wire.WatchAlertsRequest request,
        IServerStreamWriter<Wire.WatchAlertsResponse> responseStream, ServerCallContext context)
    {
        AlertScope scope = readers.Scope(context);
        ulong after = request.LogId == log.Id ? request.AfterSequence : 0;
        if (after > log.Sequence)
            throw SecurityErrors.FieldInvalid("after_sequence", $"takes 0 to {log.Sequence}, the log's last");
        if (!metrics.TryWatch(options.Value.WatchersMax))
            throw SecurityErrors.TooManyStreams(options.Value.WatchersMax);
        try
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(
                context.CancellationToken, lifetime.ApplicationStopping);
            await SendAsync(after, scope, responseStream, ends.Token);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw SecurityErrors.Stopping();
        }
        finally
        {
            metrics.WatchEnded();
        }
    }

    private async Task SendAsync(ulong after, AlertScope scope,
        IServerStreamWriter<Wire.WatchAlertsResponse> stream, CancellationToken cancellation)
    {
        // The gap is told with the first answer that comes after it.
        bool gap = false;
        for (bool first = true; ; first = false)
        {
            AlertChanges batch = log.After(after, BatchMax, scope);
            gap |= batch.Gap;
            if (first && batch.Changes.Count == 0)
            {
                await stream.WriteAsync(Position(batch.Through, gap), cancellation);
                gap = false;
            }
            foreach ((ulong sequence, Alert alert) in batch.Changes)
            {
                Wire.WatchAlertsResponse response = Position(sequence, gap);
                response.Alert = Wire(alert);
                await stream.WriteAsync(response, cancellation);
                gap = false;
            }
            after = batch.Through;
            await log.WaitAsync(after, cancellation);
        }
    }

    private Wire.WatchAlertsResponse Position(ulong sequence, bool gap) =>
        new() { LogId = log.Id, Sequence = sequence, Gap = gap };

    private ulong? Before(string token)
    {
        if (token.Length == 0)
            return null;
        string[] parts = token.Split('-', 3);
        return parts is [var id, var number] && id == log.Id
            && ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ulong before)
            ? before
            : throw SecurityErrors.FieldInvalid("page_token",
                "takes next_page_token of an answer of this process since its last start");
    }

    private Wire.SecurityAlert Wire(Alert alert) => new()
    {
        Id = string.Create(CultureInfo.InvariantCulture, $"{log.Id}-{alert.Number}"),
        Rule = alert.Rule,
        Severity = (Wire.AlertSeverity)alert.Severity,
        Subject = alert.Subject,
        Principal = alert.Principal,
        Tenant = alert.Tenant,
        Region = alert.Region,
        FirstTime = Timestamp.FromDateTimeOffset(alert.FirstTime),
        LastTime = Timestamp.FromDateTimeOffset(alert.LastTime),
        Count = alert.Count,
        Detail = alert.Detail,
        LockedUntilTime = alert.LockedUntil is { } until ? Timestamp.FromDateTimeOffset(until) : null,
        Events = { alert.Events.Select(Wire) },
    };

    private static Wire.SecurityEvent Wire(SecurityEvent e) => new()
    {
        EventTime = Timestamp.FromDateTimeOffset(e.Time),
        Kind = (Wire.SecurityEventKind)e.Kind,
        Principal = e.Principal ?? "",
        Service = e.IsService,
        Client = e.Client ?? "",
        Tenant = e.Tenant ?? "",
        Address = e.Address?.ToString() ?? "",
        CertificateThumbprint = e.Thumbprint ?? "",
        TokenId = e.TokenId ?? "",
        Region = e.Region ?? "",
        Permission = e.Permission ?? "",
    };
}
