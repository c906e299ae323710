using Lepton.Routing.Registry;
using Lepton.Routing.Scaling.Guard;
using Lepton.Routing.Scaling.Pools;
using Lepton.Routing.Scaling.Providers;
using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.Scaling.Sizing;
using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling;

/// <summary>
/// Has one pool follow its controller: out by the provider, at once; in one node at a time, drained first, so that no
/// request fails. Every router of a region scales out, for that says what shall be; only the first of them by name
/// scales in, so that two don't drain a node each. One caller at a time.
/// </summary>
internal sealed partial class CapacityScaler(
    ScalingOptions options, ScalingOptions.PoolOptions pool, Tier tier, bool scalesIn, SignalReader signals,
    NodeOrders orders, ICapacityProvider? provider, IBudgetGuard guard, ISizePrices prices, ScalingRecord record,
    TimeProvider time, ILogger<CapacityScaler> logger)
{
    private static readonly TimeSpan RefusalRepeat = TimeSpan.FromMinutes(1);

    private readonly PoolController _controller = new(options, pool, time);
    private readonly SizeAdviser _adviser = new(options.SizingWindow, options.SizingHeadroom, prices, time);
    private int _asked;
    private long _askedAt, _leavingSince, _refusedAt = long.MinValue;
    private string? _leaving, _stopped;
    private bool _isLateSaid;

    public Tier Tier { get; } = tier;

    public int NodesMin => pool.NodesMin;

    public int NodesMax => pool.NodesMax;

    /// <summary>The last decision.</summary>
    public PoolDecision Decision { get; private set; } = PoolDecision.Unknown(tier);

    /// <summary>The node that is being drained; null: none.</summary>
    public string? Leaving => _leaving;

    /// <summary>Why the guard or the provider did not do the last scale-out; empty: nothing was held back.</summary>
    public string Held { get; private set; } = "";

    /// <summary>What sizes its nodes should have (E2), by name.</summary>
    public IReadOnlyList<SizeAdvice> Sizing => _adviser.Advise();

    /// <summary>Looks once and does what follows.</summary>
    /// <exception cref="CapacityException">The provider did not do it.</exception>
    public async Task StepAsync(CancellationToken cancellation)
    {
        PoolSignals now = signals.Read(Tier);
        int coming = time.GetElapsedTime(_askedAt) < options.StartMax ? Math.Max(0, _asked - now.Current) : 0;
        PoolDecision decision = Decision = _controller.Decide(now, coming);
        record.Decided(decision);
        _adviser.Hear(now.Nodes);
        _adviser.Forget(now.Nodes.Select(n => n.Node).ToHashSet(StringComparer.Ordinal));
        if (provider is null)
            return;
        if (decision.Desired > decision.Current)
            await ScaleOutAsync(now, decision, cancellation);
        else
        {
            Held = "";
            if (scalesIn)
                await ScaleInAsync(now, decision, cancellation);
        }
    }

    private async Task ScaleOutAsync(PoolSignals now, PoolDecision decision, CancellationToken cancellation)
    {
        if (provider is null)
            return;
        int more = decision.Desired - decision.Current;
        // A node that is still here is the quickest.
        if (_leaving is { } leaving && now.Nodes.Any(n => n.Node == leaving && n.State == NodeState.Draining))
        {
            _leaving = null;
            if (await OrderAsync(leaving, NodeOrder.Serve, cancellation) && --more == 0)
            {
                Changed(decision, decision.Current + 1, leaving);
                return;
            }
        }
        GuardVerdict verdict = guard.Ask(new ScaleOutRequest(
            Tier, more, decision.Urgent, more * pool.NodeHourUsdMicros));
        if (!verdict.Allowed && !decision.Urgent)
        {
            Held = $"{verdict.Reason}: {verdict.Message}";
            if (_refusedAt == long.MinValue || time.GetElapsedTime(_refusedAt) >= RefusalRepeat)
            {
                _refusedAt = time.GetTimestamp();
                record.Refused(decision, verdict);
                LogRefused(Tier, more, Held);
            }
            return;
        }
        _refusedAt = long.MinValue;
        string[] leavingNow = [.. now.Nodes.Where(n => n.State == NodeState.Draining).Select(n => n.Node)];
        int coming = await provider.GrowAsync(Tier, decision.Desired,
            [.. now.Nodes.Select(n => n.Node).Except(leavingNow)], leavingNow, cancellation);
        int after = now.Current + coming;
        (_asked, _askedAt) = (after, time.GetTimestamp());
        Held = after < decision.Desired
            ? $"{provider.Name} has no more: {decision.Desired - after} of {more} are lacking"
            : "";
        if (after > decision.Current)
            Changed(decision, after, "");
    }

    private async Task ScaleInAsync(PoolSignals now, PoolDecision decision, CancellationToken cancellation)
    {
        if (provider is null)
            return;
        // One that somebody drained and that is ours to stop leaves too: we may have begun it before a restart.
        if (!now.Nodes.Any(n => n.Node == _stopped && n.State == NodeState.Draining))
            _stopped = null;
        _leaving ??= now.Nodes.FirstOrDefault(n => n.State == NodeState.Draining && n.Node != _stopped
            && provider.MayStop(Tier, n.Node)).Node;
        if (_leaving is { } leaving)
        {
            await StopWhenIdleAsync(now, leaving, decision, cancellation);
            return;
        }
        if (decision.Desired >= decision.Current || now.Serving < 2)
            return;
        NodeSignal victim = now.Nodes.Where(n => n.Serves && provider.MayStop(Tier, n.Node))
            .OrderBy(n => n.Busy).ThenByDescending(n => n.Node, StringComparer.Ordinal).FirstOrDefault();
        if (victim.Node is null)
            return;
        (_asked, _leaving, _leavingSince, _isLateSaid) = (0, victim.Node, time.GetTimestamp(), false);
        if (await OrderAsync(victim.Node, NodeOrder.Drain, cancellation))
            Changed(decision, decision.Current - 1, victim.Node);
        else
            _leaving = null;
    }

    private async Task StopWhenIdleAsync(
        PoolSignals now, string leaving, PoolDecision decision, CancellationToken cancellation)
    {
        if (provider is null)
            return;
        NodeSignal node = now.Nodes.FirstOrDefault(n => n.Node == leaving);
        if (node.Node is null)
        {
            _leaving = null; // it has gone
            return;
        }
        if (node.State != NodeState.Draining || node.Busy > 0)
        {
            if (time.GetElapsedTime(_leavingSince) > options.DrainMax && !_isLateSaid)
            {
                _isLateSaid = true;
                LogLate(leaving, node.Busy);
            }
            return;
        }
        if (await provider.StopAsync(Tier, leaving, decision.Current, cancellation))
            _stopped = leaving;
        else
            await OrderAsync(leaving, NodeOrder.Serve, cancellation);
        _leaving = null;
    }

    private async Task<bool> OrderAsync(string node, NodeOrder order, CancellationToken cancellation)
    {
        try
        {
            return await orders.GiveAsync(node, order, cancellation) is not null;
        }
        catch (TimeoutException)
        {
            LogSilent(node, order);
            return false;
        }
    }

    private void Changed(PoolDecision decision, int nodes, string node)
    {
        _controller.Scaled(decision.Current, nodes);
        record.Changed(decision, nodes, node);
        LogChanged(Tier, decision.Current, nodes, decision.Urgent, decision.Why);
    }

    [LoggerMessage(LogLevel.Information, "Pool {Tier} goes from {From} to {To} nodes, urgent {Urgent}: {Why}")]
    private partial void LogChanged(Tier tier, int from, int to, bool urgent, string why);

    [LoggerMessage(LogLevel.Warning, "Pool {Tier} does not get {Nodes} nodes more: {Why}")]
    private partial void LogRefused(Tier tier, int nodes, string why);

    [LoggerMessage(LogLevel.Warning, "Node {Node} did not follow {Order} in time")]
    private partial void LogSilent(string node, NodeOrder order);

    [LoggerMessage(LogLevel.Warning, "Node {Node} still has {Busy} requests; it is not stopped before they end")]
    private partial void LogLate(string node, int busy);
}
