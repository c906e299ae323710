using Lepton.Compliance.Audit.Sequencing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>
/// Holds acknowledgements until the second zone has what they acknowledge. When it does not answer for a time the log
/// goes on with one copy: degraded, until the other has caught up. Safe for concurrent use.
/// </summary>
internal sealed partial class CopyGate(
    PeerTable peers, LogWriter writer, IOptions<AuditOptions> options, TimeProvider time, ILogger<CopyGate> logger)
    : IHealthCheck
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, long> _waiting = new();
    private readonly Dictionary<string, long> _sizes = [];
    private bool _isDegraded;

    /// <summary>Batches are answered with one copy.</summary>
    public bool IsDegraded
    {
        get
        {
            lock (_lock)
                return _isDegraded;
        }
    }

    /// <summary>How far a holder's copy is.</summary>
    public long SizeOf(string holder)
    {
        lock (_lock)
            return _sizes.GetValueOrDefault(holder);
    }

    /// <summary>Returns when the log up to this size may be acknowledged.</summary>
    public async Task WaitAsync(long size, CancellationToken cancellationToken)
    {
        if (peers.SecondZone is not { } second)
            return;
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_isDegraded || _sizes.GetValueOrDefault(second.Name) >= size)
                return;
            waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiter, size);
        }
        try
        {
            await waiter.Task.WaitAsync(options.Value.CopyTimeMax, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            Degrade(second.Name);
        }
    }

    /// <summary>A holder has the log up to this size on disk.</summary>
    public void Confirm(string holder, long size)
    {
        lock (_lock)
        {
            _sizes[holder] = size;
            if (holder != peers.SecondZone?.Name)
                return;
            while (_waiting.TryPeek(out _, out var wanted) && wanted <= size)
                _waiting.Dequeue().TrySetResult();
            if (!_isDegraded || size < writer.Peaks.Size)
                return;
            _isDegraded = false;
        }
        LogWhole(holder);
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(IsDegraded
        ? HealthCheckResult.Degraded(
            $"The audit log is acknowledged with one copy: {peers.SecondZone?.Name} is behind.")
        : HealthCheckResult.Healthy());

    private void Degrade(string holder)
    {
        lock (_lock)
        {
            if (_isDegraded)
                return;
            _isDegraded = true;
            while (_waiting.TryDequeue(out var waiter, out _))
                waiter.TrySetResult();
        }
        LogDegraded(holder, options.Value.CopyTimeMax);
    }

    [LoggerMessage(LogLevel.Error, "The audit log's copy at {Holder} has not answered for {Time}: it goes on with one")]
    private partial void LogDegraded(string holder, TimeSpan time);

    [LoggerMessage(LogLevel.Information, "The audit log's copy at {Holder} has caught up")]
    private partial void LogWhole(string holder);
}
