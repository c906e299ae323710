using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// Sends the spool to the log, batch after batch, to the first node that answers, and forgets what was answered as
/// written. What a crash or a lost answer makes it send twice is written once: events have ids.
/// </summary>
internal sealed partial class AuditSender(
    Spool spool, SpoolFiles files, IAuditNodes nodes, IOptions<AuditOptions> options, AuditMetrics metrics,
    TimeProvider time, Random chance, ILogger<AuditSender> logger) : BackgroundService
{
    private const int BatchBytesMax = 1 << 20;

    // An idle stream may have died unnoticed: it is not worth keeping.
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(5);

    private readonly long[] _failedAt = new long[nodes.Count];
    private SpoolPosition _position;
    private IAuditStream? _stream;
    private int _streamNode;
    private ulong _batch;
    private long _waitingSince; // 0: nothing waits

    /// <summary>For how long events have waited without any answer of the log.</summary>
    public TimeSpan Silence => Volatile.Read(ref _waitingSince) is var since and not 0
        ? time.GetElapsedTime(since)
        : TimeSpan.Zero;

    /// <summary>The nodes in the order in which they are asked now: those that just failed last.</summary>
    internal int[] Order()
    {
        long now = time.GetTimestamp();
        return [.. Enumerable.Range(0, nodes.Count).OrderBy(node => _failedAt[node] is var at and not 0
            && time.GetElapsedTime(at, now) < options.Value.FailedTime)];
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // What other parts said while they stopped is on the disk when this process ends.
        spool.Drain();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (nodes.Count == 0)
            return;
        try
        {
            while (true)
            {
                Task written = spool.Written;
                SpoolRead read = files.Read(_position, options.Value.BatchEventsMax, BatchBytesMax);
                if (read.BytesDamaged > 0)
                    LogDamaged(read.BytesDamaged);
                if (read.Payloads.Count == 0)
                {
                    _position = read.End;
                    await WaitAsync(written, stoppingToken);
                    continue;
                }
                List<AuditEvent> events = Parse(read.Payloads);
                if (events.Count > 0)
                    await SendAsync(events, stoppingToken);
                files.Acknowledge(read.End, read.Payloads.Count);
                _position = read.End;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The rest goes out after the next start.
        }
        finally
        {
            _stream?.Dispose();
        }
    }

    private async Task WaitAsync(Task written, CancellationToken stoppingToken)
    {
        Volatile.Write(ref _waitingSince, 0);
        if (_stream is null)
        {
            await written.WaitAsync(stoppingToken);
            return;
        }
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        if (await Task.WhenAny(written, Task.Delay(IdleMax, time, end.Token)) != written)
            Close();
        await end.CancelAsync();
        stoppingToken.ThrowIfCancellationRequested();
    }

    /// <summary>Returns when the log has them, or refused them for good; goes on for as long as that takes.</summary>
    private async Task SendAsync(List<AuditEvent> events, CancellationToken stoppingToken)
    {
        if (Volatile.Read(ref _waitingSince) == 0)
            Volatile.Write(ref _waitingSince, Math.Max(1, time.GetTimestamp()));
        for (int round = 0; ; round++)
        {
            foreach (int node in Order())
                if (await TrySendAsync(node, events, stoppingToken))
                {
                    Volatile.Write(ref _waitingSince, Math.Max(1, time.GetTimestamp()));
                    return;
                }
            await Task.Delay(Pause(round), time, stoppingToken);
        }
    }

    private async Task<bool> TrySendAsync(int node, List<AuditEvent> events, CancellationToken stoppingToken)
    {
        try
        {
            await SendToAsync(node, events, stoppingToken);
            metrics.Sent(events.Count);
            _failedAt[node] = 0;
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.InvalidArgument)
        {
            Close();
            return await SendSinglyAsync(node, events, e, stoppingToken);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            Close();
            stoppingToken.ThrowIfCancellationRequested();
            if (_failedAt[node] == 0)
                LogFailed(nodes.NameOf(node), e.Message);
            _failedAt[node] = Math.Max(1, time.GetTimestamp());
            metrics.SendFailed(e is RpcException rpc
                ? RpcErrors.ReasonOf(rpc) ?? rpc.StatusCode.ToString()
                : "no_answer");
            return false;
        }
    }

    // The log refuses a batch as a whole: the one event at fault must not hold up all others for ever.
    private async Task<bool> SendSinglyAsync(
        int node, List<AuditEvent> events, RpcException refusal, CancellationToken stoppingToken)
    {
        if (events.Count == 1)
        {
            LogRefused(events[0].Id, events[0].Action, refusal.Status.Detail);
            metrics.Dropped("refused", 1);
            return true;
        }
        foreach (AuditEvent one in events)
            if (!await TrySendAsync(node, [one], stoppingToken))
                return false;
        return true;
    }

    private async Task SendToAsync(int node, List<AuditEvent> events, CancellationToken stoppingToken)
    {
        if (_stream is null || _streamNode != node)
        {
            Close();
            (_stream, _streamNode) = (nodes.Open(node), node);
        }
        using CancellationTokenSource end = new(options.Value.CallTimeMax, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(end.Token, stoppingToken);
        await _stream.SendAsync(new AppendRequest { Batch = ++_batch, Events = { events } }, either.Token);
    }

    private List<AuditEvent> Parse(IReadOnlyList<byte[]> payloads)
    {
        List<AuditEvent> events = new(payloads.Count);
        foreach (byte[] payload in payloads)
            try
            {
                events.Add(AuditEvent.Parser.ParseFrom(payload));
            }
            catch (InvalidProtocolBufferException)
            {
                metrics.Dropped("damaged", 1); // its checksum held: another program wrote it
            }
        return events;
    }

    private void Close()
    {
        _stream?.Dispose();
        _stream = null;
    }

    /// <summary>From a half to the whole of it, so that many processes spread.</summary>
    private TimeSpan Pause(int round)
    {
        TimeSpan pause = options.Value.RetryFirst * Math.Pow(2, Math.Min(round, 20));
        return (pause < options.Value.RetryMax ? pause : options.Value.RetryMax) * (0.5 + chance.NextDouble() / 2);
    }

    [LoggerMessage(LogLevel.Warning, "{Node} did not take audit events: {Why}")]
    private partial void LogFailed(string node, string why);

    [LoggerMessage(LogLevel.Error, "The audit log refused event {Id} ({Action}) for good: {Why}")]
    private partial void LogRefused(string id, string action, string why);

    [LoggerMessage(LogLevel.Error, "{Bytes} damaged bytes of the audit spool are passed over")]
    private partial void LogDamaged(long bytes);
}
