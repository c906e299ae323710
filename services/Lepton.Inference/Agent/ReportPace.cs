namespace Lepton.Inference.Agent;

/// <summary>
/// When to report: every interval, and soon after a change; changes within a moment of each other are one report.
/// </summary>
internal sealed class ReportPace(TimeSpan interval, TimeProvider time)
{
    // Loading five models in a row is one report, not five.
    private static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(20);
    private readonly Lock _lock = new();
    private readonly HashSet<Subscription> _subscriptions = [];

    /// <summary>Between reports when nothing changes.</summary>
    public TimeSpan Interval => interval;

    /// <summary>Something changed that routers should know at once.</summary>
    public void Changed()
    {
        lock (_lock)
        {
            foreach (var subscription in _subscriptions)
                subscription.Signal();
        }
    }

    public Subscription Subscribe()
    {
        lock (_lock)
        {
            var subscription = new Subscription(this);
            _subscriptions.Add(subscription);
            return subscription;
        }
    }

    internal sealed class Subscription(ReportPace pace) : IDisposable
    {
        private readonly SemaphoreSlim _changed = new(0, 1);

        /// <summary>Ends when the next report is due.</summary>
        public async Task NextAsync(CancellationToken cancellation)
        {
            using var due = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var tick = Task.Delay(pace.Interval, pace.Time, due.Token);
            var change = _changed.WaitAsync(due.Token);
            if (await Task.WhenAny(tick, change) == change && change.IsCompletedSuccessfully)
                await Task.Delay(Debounce, pace.Time, cancellation);
            await due.CancelAsync();
        }

        public void Signal()
        {
            if (_changed.CurrentCount == 0)
                _changed.Release();
        }

        public void Dispose()
        {
            lock (pace._lock)
                pace._subscriptions.Remove(this);
        }
    }

    private TimeProvider Time => time;
}
