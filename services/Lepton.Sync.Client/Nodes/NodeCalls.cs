using Microsoft.Extensions.Options;

namespace Lepton.Sync.Client;

/// <summary>
/// Makes a call at one node after the other until one has an answer: in their configured order, those that just failed
/// last, with a pause that grows between rounds, within the deadline and the budget of repetitions.
/// </summary>
internal sealed class NodeCalls(
    INodes nodes, IOptions<SyncClientOptions> options, ControlMetrics metrics, TimeProvider time, Random chance)
{
    private const int NeverFailed = 0;

    private readonly long[] _failedAt = new long[nodes.Count];
    private readonly RetryBudget _budget = new(options.Value.RetriesMax, time);
    private readonly Lock _gate = new();

    /// <summary>The first answer.</summary>
    /// <exception cref="NodeFault">
    /// The call was refused for good, or the time or the budget is spent. Then it says the most that is known: once a
    /// try may have been done, a later "nothing was done" proves nothing about it.
    /// </exception>
    public async Task<T> RunAsync<T>(
        Func<int, TimeSpan, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        var startedAt = time.GetTimestamp();
        NodeFault? worst = null;
        for (var round = 0; ; round++)
        {
            TimeSpan? asked = null;
            foreach (var node in Order())
            {
                var left = options.Value.TimeMax - time.GetElapsedTime(startedAt);
                if (worst is not null && (left <= TimeSpan.Zero || !MayRepeat()))
                    throw worst;
                try
                {
                    var answer = await call(
                        node, left < options.Value.CallTimeMax ? left : options.Value.CallTimeMax, cancellationToken);
                    Succeeded(node);
                    return answer;
                }
                catch (NodeFault fault) when (IsPassing(fault.Kind))
                {
                    if (fault.Kind is NodeFaultKind.Unknown or NodeFaultKind.NotDone)
                        Failed(node);
                    worst = Worse(worst, fault);
                    asked = fault.RetryAfter > asked || asked is null ? fault.RetryAfter ?? asked : asked;
                }
            }
            var pause = Pause(round, asked);
            if (worst is null || time.GetElapsedTime(startedAt) + pause >= options.Value.TimeMax)
                throw worst ?? new NodeFault(NodeFaultKind.NotDone, "NO_NODES", "SyncClient:Nodes names none.");
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <summary>In configured order, those that failed lately last.</summary>
    public int[] Order()
    {
        var now = time.GetTimestamp();
        return [.. Enumerable.Range(0, nodes.Count).OrderBy(node => Volatile.Read(ref _failedAt[node]) is var at
            && at != NeverFailed && time.GetElapsedTime(at, now) < options.Value.FailedTime)];
    }

    public void Failed(int node) => Volatile.Write(ref _failedAt[node], Math.Max(1, time.GetTimestamp()));

    public void Succeeded(int node)
    {
        Volatile.Write(ref _failedAt[node], NeverFailed);
        _budget.Success();
    }

    /// <summary>How long to wait after so many rounds: from a half to the whole of it, so that many spread.</summary>
    public TimeSpan Pause(int round, TimeSpan? asked = null)
    {
        var (first, max) = (options.Value.RetryFirst, options.Value.RetryMax);
        var pause = first * Math.Pow(2, Math.Min(round, 20));
        if (pause > max)
            pause = max;
        if (asked is { } least && least > pause)
            pause = least < max ? least : max;
        lock (_gate)
            return pause * (0.5 + chance.NextDouble() / 2);
    }

    private bool MayRepeat()
    {
        if (!_budget.TryTake())
            return false;
        metrics.Repetitions.Add(1);
        return true;
    }

    private static bool IsPassing(NodeFaultKind kind) => kind is NodeFaultKind.NotDone or NodeFaultKind.Unknown
        or NodeFaultKind.Unconfirmed or NodeFaultKind.Elsewhere;

    private static NodeFault Worse(NodeFault? before, NodeFault now) =>
        before is null || Weight(now.Kind) >= Weight(before.Kind) ? now : before;

    private static int Weight(NodeFaultKind kind) => kind switch
    {
        NodeFaultKind.Unconfirmed => 3,
        NodeFaultKind.Unknown => 2,
        NodeFaultKind.NotDone => 1,
        _ => 0,
    };
}
