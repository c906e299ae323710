using Lepton.Sync.Placement;

namespace Lepton.Sync.Erasure;

/// <summary>Bringing orders to the other nodes, again and again until each has confirmed.</summary>
internal sealed partial class Eraser
{
    private const int PageMax = 100;

    /// <summary>
    /// One round over everything that is not finished: a node that does not answer is asked again after a wait that
    /// grows. Returns when to come again.
    /// </summary>
    public async Task<TimeSpan> DeliverAsync(CancellationToken cancellationToken)
    {
        var next = options.Value.RetryMax;
        Guid? after = null;
        IReadOnlyList<Erasure> page;
        do
        {
            page = await log.ReadOpenAsync(topology.Self.Name, after, PageMax, cancellationToken);
            foreach (var erasure in page)
            {
                after = erasure.Order.Id;
                next = Min(next, await DeliverAsync(erasure, cancellationToken));
            }
        }
        while (page.Count == PageMax);
        metrics.Open = await log.CountOpenAsync(topology.Self.Name, cancellationToken);
        return next;
    }

    private async Task<TimeSpan> DeliverAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        var (next, id) = (options.Value.RetryMax, erasure.Order.Id);
        if (erasure.Order.OrderedBy == topology.Self.Name && !erasure.IsFinished)
        {
            // One that joined since may have got a key from one that has not applied it yet.
            await log.AddAsync(erasure.Order, topology.Current.Nodes, cancellationToken);
            foreach (var node in topology.Current.Nodes)
                next = Min(next, await DeliverAsync(id, node, options.Value.CallTimeMax, cancellationToken));
        }
        return Min(next, await SweepAsync(id, cancellationToken));
    }

    /// <summary>What was being written while its key was destroyed came after the first look.</summary>
    private async Task<TimeSpan> SweepAsync(Guid id, CancellationToken cancellationToken)
    {
        var erasure = await RequireAsync(id, cancellationToken);
        if (erasure.IsSwept || erasure.At(topology.Self.Name)?.Receipt is not { } receipt)
            return options.Value.RetryMax;
        var left = receipt.DestroyTime + options.Value.SweepDelay - time.GetUtcNow();
        if (left > TimeSpan.Zero)
            return left;
        await records.RemoveAsync(erasure.Keys, cancellationToken);
        await log.SetSweptAsync(id, cancellationToken);
        return options.Value.RetryMax;
    }

    // The other zones of this region are worth a short wait.
    private async Task DeliverToRegionAsync(Guid id, CancellationToken cancellationToken)
    {
        var self = topology.Self;
        if (options.Value.RegionTimeMax == TimeSpan.Zero)
            return;
        await Task.WhenAll(topology.Current.Nodes.Where(n => n.Region == self.Region && n.Id != self.Id)
            .Select(n => DeliverAsync(id, n, options.Value.RegionTimeMax, cancellationToken)));
    }

    /// <summary>
    /// Gives one node the order if it has not confirmed it. Returns when to try again; now: it is done.
    /// </summary>
    private async Task<TimeSpan> DeliverAsync(
        Guid id, SyncNode node, TimeSpan timeMax, CancellationToken cancellationToken)
    {
        var erasure = await RequireAsync(id, cancellationToken);
        if (erasure.At(node.Name) is not { } state || erasure.IsDone(state))
            return options.Value.RetryMax;
        if (node.Id == topology.Self.Id)
        {
            await ApplyAsync(erasure.Order, erasure.Keys, cancellationToken);
            return Finished(await RequireAsync(id, cancellationToken));
        }
        var backoff = BackoffOf(node.Name);
        if (backoff.Left(time) is var left && left > TimeSpan.Zero)
            return left;
        using CancellationTokenSource limit = new(timeMax, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var answer = await peers.ApplyAsync(node, erasure.Order, erasure.Keys, either.Token);
        cancellationToken.ThrowIfCancellationRequested();
        if (answer is null)
        {
            metrics.Failed(node.Name);
            return backoff.Failed(options.Value, chance, time);
        }
        backoff.Answered();
        await log.SaveReceiptAsync(id, answer.Receipt, answer.OwnKeys, erasure.Keys, cancellationToken);
        return Finished(await RequireAsync(id, cancellationToken));
    }

    // Its keys may be new to those who had confirmed before: they get the order again at once.
    private TimeSpan Finished(Erasure erasure)
    {
        if (!erasure.IsFinished)
            return erasure.Nodes.Any(n => n.Receipt is not null && !erasure.IsDone(n))
                ? TimeSpan.Zero
                : options.Value.RetryMax;
        metrics.Finished(time.GetUtcNow() - erasure.Order.OrderTime);
        LogFinished(erasure.Order.Id);
        return options.Value.RetryMax;
    }

    private Backoff BackoffOf(string node)
    {
        lock (_backoffs)
        {
            if (!_backoffs.TryGetValue(node, out var backoff))
                _backoffs[node] = backoff = new Backoff();
            return backoff;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    [LoggerMessage(LogLevel.Information, "Erasure {Id} is confirmed by every node")]
    private partial void LogFinished(Guid id);

    /// <summary>When a node that did not answer is asked again.</summary>
    private sealed class Backoff
    {
        private int _failures;
        private DateTimeOffset _until;

        public TimeSpan Left(TimeProvider time) => _until - time.GetUtcNow();

        public void Answered() => (_failures, _until) = (0, default);

        public TimeSpan Failed(ErasureOptions options, Random chance, TimeProvider time)
        {
            var wait = options.RetryFirst * Math.Pow(2, Math.Min(_failures++, 20));
            if (wait > options.RetryMax)
                wait = options.RetryMax;
            double share;
            lock (chance) // zones are asked at the same time
                share = 0.5 + chance.NextDouble() / 2; // so that nodes that were cut off together don't come together
            wait *= share;
            _until = time.GetUtcNow() + wait;
            return wait;
        }
    }
}
