using Lepton.Compliance.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Records;
using Lepton.Sync.Waiting;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Placement;

/// <summary>
/// Asks the store every so often and keeps the newest topology, over restarts too. Epochs never go back, and a topology
/// that is not this one's successor is not taken: nodes and classes keep their numbers.
/// </summary>
internal sealed partial class TopologyWatch : ITopologySource, IHostedService, IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly ITopologyStore _store;
    private readonly KeptTopology _kept;
    private readonly TopologyPlanner _planner;
    private readonly PlacementOptions _options;
    private readonly string _selfName;
    private readonly TimeProvider _time;
    private readonly PlacementMetrics _metrics;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<TopologyWatch> _logger;
    private readonly ControlRecord<ResidencyPolicy>? _policies;

    private readonly AsyncGate _turn = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;
    private long _asked;
    private long _answered;
    private volatile Topology? _current;
    private volatile Confirmation? _confirmed;

    public TopologyWatch(
        ITopologyStore store, KeptTopology kept, TopologyPlanner planner, IOptions<PlacementOptions> options,
        IOptions<ServiceOptions> service, TimeProvider time, PlacementMetrics metrics,
        IHostApplicationLifetime lifetime, ILogger<TopologyWatch> logger,
        ControlRecord<ResidencyPolicy>? policies = null)
    {
        _policies = policies;
        (_store, _kept, _planner, _options) = (store, kept, planner, options.Value);
        (_time, _metrics, _lifetime, _logger) = (time, metrics, lifetime, logger);
        _selfName = $"{service.Value.Region}-{service.Value.Zone}";
        metrics.Watch(this);
    }

    public event Action<Topology>? Changed;

    public Topology Current => _current
        ?? throw new InvalidOperationException("The topology is not known yet: this node has not started.");

    /// <summary>The newest known; null: none yet.</summary>
    public Topology? Known => _current;

    public SyncNode Self => Current.FindNode(_selfName) ?? throw NotInIt(Current);

    public long? ConfirmedAt => _confirmed?.At;

    /// <summary>Since the store last confirmed that nothing is newer; null: not since the start.</summary>
    public TimeSpan? ConfirmationAge => _confirmed is { } confirmed ? _time.GetElapsedTime(confirmed.At) : null;

    /// <summary>Why the store's last answer was not taken; null: it was.</summary>
    public string? Trouble { get; private set; }

    /// <summary>What of the classes file the topology has and has not; null: not compared yet.</summary>
    public TopologyPlan? Plan { get; private set; }

    /// <summary>Returns when a topology is known: the store's, or where that is silent, this node's own.</summary>
    /// <exception cref="InvalidOperationException">There is none in time, or this node is not in it.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _planner.First(_options.ToNodes()); // a file that is wrong stops the start, whether it is needed or not
        _current = _kept.Load(_selfName);
        var began = _time.GetTimestamp();
        await RefreshAsync(cancellationToken);
        while (_current is null)
        {
            if (_time.GetElapsedTime(began) >= _options.Topology.StartTimeMax)
                throw new InvalidOperationException($"The topology store ({_store.Kind}) did not answer within "
                    + $"Sync:Topology:StartTimeMax ({_options.Topology.StartTimeMax}), and this node keeps no topology "
                    + $"of its own yet. {Trouble}");
            await Task.Delay(Pause, _time, cancellationToken);
            await RefreshAsync(cancellationToken);
        }
        if (Current.FindNode(_selfName) is null)
            throw NotInIt(Current);
        LogStarted(Current.Epoch, Self.Name, ConfirmedAt is null ? "its own file" : _store.Kind);
        _loop = RunAsync(_stopping.Token);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _loop.WaitAsync(cancellationToken);
    }

    public void Dispose() => _stopping.Dispose();

    // A question that began after somebody asked answers him too: a thousand callers make two questions.
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var mine = Interlocked.Increment(ref _asked);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_answered >= mine)
                return;
            var covered = Volatile.Read(ref _asked);
            await AskAsync(cancellationToken);
            _answered = covered;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_options.Topology.Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                await RefreshAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            // A bug of whoever listens or of ours: a node that hears of no promotion must not go on.
            LogEnded(e);
            _lifetime.StopApplication();
        }
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        // From before the question: what the store says was so at some moment after.
        var at = _time.GetTimestamp();
        try
        {
            var stored = await _store.ReadAsync(cancellationToken) ?? await ProposeFirstAsync(cancellationToken);
            var refusal = stored is null
                ? "The store holds no topology, but this node knows one: was the store lost? Nothing is proposed to it."
                : Adopt(stored);
            Tell(refusal);
            _metrics.Read(refusal is null ? "confirmed" : "refused");
            if (refusal is not null)
                return;
            if (Plan is null)
                await AddClassesAsync(cancellationToken);
            _kept.Ensure(Current);
            _confirmed = new Confirmation(at);
        }
        catch (TopologyUnavailableException e)
        {
            Tell(e.Message);
            _metrics.Read("unavailable");
        }
    }

    private async Task<Topology?> ProposeFirstAsync(CancellationToken cancellationToken)
    {
        if (_current is not null || _planner.First(_options.ToNodes()) is not { Next: { } first } plan)
            return null;
        var won = await _store.TryReplaceAsync(first, cancellationToken);
        _metrics.Proposed(won);
        if (!won)
            return await _store.ReadAsync(cancellationToken);
        LogFirst(first.Nodes.Count, string.Join(", ", plan.Added));
        return first;
    }

    // Once: the file is read at the start. Who is slower than another reads that one's topology next time and sees what
    // is still lacking.
    private async Task AddClassesAsync(CancellationToken cancellationToken)
    {
        TopologyPlan plan;
        try
        {
            plan = _planner.AddClasses(Current);
        }
        catch (Exception e) when (e is RecordClassesException or ResidencyPolicyException)
        {
            // It was good for the configured nodes (StartAsync) and is not for the topology's.
            Plan = new TopologyPlan(null, [], [e.Message], [], []);
            LogUnplaced(e.Message);
            return;
        }
        if (plan.Next is { } outside && PolicyRefusal(Current, outside) is { } forbidden)
            plan = plan with { Next = null, Added = [], Unplaced = [.. plan.Unplaced, forbidden] };
        if (plan.Next is { } next)
        {
            var won = await _store.TryReplaceAsync(next, cancellationToken);
            _metrics.Proposed(won);
            if (!won)
                return;
            LogAdded(next.Epoch, string.Join(", ", plan.Added));
            Adopt(next);
        }
        Plan = plan;
        foreach (var why in plan.Unplaced)
            LogUnplaced(why);
        foreach (var name in plan.Different)
            LogDifferent(name);
        foreach (var name in plan.Outside)
            LogOutside(name);
    }

    /// <summary>Null: taken, or known already. Else why not.</summary>
    private string? Adopt(Topology next)
    {
        var current = _current;
        if (ReferenceEquals(next, current))
            return null;
        if (current is not null)
        {
            if (TopologyOrder.Refusal(current, next) is { } refusal)
                return refusal;
            if (PolicyRefusal(current, next) is { } forbidden)
                return forbidden;
            if (next.Epoch == current.Epoch)
            {
                _current = next; // the same, from another place
                return null;
            }
        }
        else if (next.FindNode(_selfName) is null)
        {
            throw NotInIt(next);
        }
        _current = next;
        _kept.Ensure(next);
        if (current is not null)
        {
            LogChanged(current.Epoch, next.Epoch);
            Changed?.Invoke(current);
        }
        return null;
    }

    private void Tell(string? trouble)
    {
        if (trouble is not null && trouble != Trouble)
            LogTrouble(trouble);
        else if (trouble is null && Trouble is not null)
            LogBack();
        Trouble = trouble;
    }

    private InvalidOperationException NotInIt(Topology topology) => new(
        $"This node, {_selfName} (Lepton:Region and Lepton:Zone), is not in the topology of epoch {topology.Epoch}: "
        + $"it has {string.Join(", ", topology.Nodes.Select(n => n.Name))}. Nodes enter it by Sync:Nodes when the "
        + "first node starts.");

    private sealed record Confirmation(long At);

    [LoggerMessage(LogLevel.Information, "Topology of epoch {Epoch} from {Source}; this node is {Self}")]
    private partial void LogStarted(long epoch, string self, string source);

    [LoggerMessage(LogLevel.Information, "Proposed the first topology: {Nodes} nodes, classes {Classes}")]
    private partial void LogFirst(int nodes, string classes);

    [LoggerMessage(LogLevel.Information, "Topology {Epoch} adds the classes {Classes}")]
    private partial void LogAdded(long epoch, string classes);

    [LoggerMessage(LogLevel.Information, "Topology changed from epoch {From} to {To}")]
    private partial void LogChanged(long from, long to);

    [LoggerMessage(LogLevel.Warning, "A class is not in the topology: {Why}")]
    private partial void LogUnplaced(string why);

    [LoggerMessage(LogLevel.Warning, "Class {Name} is defined otherwise in the file now; the topology's stays")]
    private partial void LogDifferent(string name);

    [LoggerMessage(LogLevel.Error, "The residency policy does not allow the regions of class {Name} any more")]
    private partial void LogOutside(string name);

    [LoggerMessage(LogLevel.Warning, "{Trouble}")]
    private partial void LogTrouble(string trouble);

    [LoggerMessage(LogLevel.Information, "The topology store answers again")]
    private partial void LogBack();

    [LoggerMessage(LogLevel.Critical, "Watching the topology ended; the node stops")]
    private partial void LogEnded(Exception e);
}
