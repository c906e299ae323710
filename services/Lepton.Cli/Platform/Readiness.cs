namespace Lepton.Cli.Platform;

/// <summary>Waits for every milestone, and gives up as soon as anything that is needed has died.</summary>
internal sealed class Readiness(TimeProvider time)
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan checkTimeout = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Answers when all are reached. <paramref name="died"/> answers null while all is well, else what died;
    /// <paramref name="progress"/> hears of each milestone and of what is still waited for.
    /// </summary>
    public async Task WaitAsync(
        IReadOnlyList<Milestone> milestones, TimeSpan timeout, Func<CancellationToken, Task<CommandFailure?>> died,
        IReadinessProgress progress, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        Dictionary<Milestone, string> waiting = milestones.ToDictionary(m => m, _ => "not asked yet");
        while (waiting.Count > 0)
        {
            if (await died(cancellation) is { } failure)
            {
                throw failure;
            }

            await CheckAsync(waiting, progress, cancellation);
            progress.Waiting([.. waiting.Select(w => $"{w.Key.Name}: {w.Value}")]);
            if (waiting.Count > 0 && time.GetElapsedTime(start) > timeout)
            {
                throw TimedOut(waiting, timeout);
            }

            if (waiting.Count > 0)
            {
                await Task.Delay(interval, time, cancellation);
            }
        }
    }

    private async Task CheckAsync(
        Dictionary<Milestone, string> waiting, IReadinessProgress progress, CancellationToken cancellation)
    {
        (Milestone Milestone, Task<string?> Check)[] checks =
            [.. waiting.Keys.Select(m => (m, LimitedAsync(m, cancellation)))];
        foreach ((Milestone milestone, Task<string?> check) in checks)
        {
            if (await check is { } what)
            {
                waiting[milestone] = what;
            }
            else
            {
                waiting.Remove(milestone);
                progress.Reached(milestone);
            }
        }
    }

    private async Task<string?> LimitedAsync(Milestone milestone, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = new(checkTimeout, time);
        using CancellationTokenSource both =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await milestone.Check(both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return "no answer";
        }
    }

    private static CommandFailure TimedOut(Dictionary<Milestone, string> waiting, TimeSpan timeout) =>
        new(ExitCode.Failed, $"The platform was not ready after {timeout.TotalSeconds:0} s.")
        {
            Hints = [.. waiting.Select(w => $"{w.Key.Name}: {w.Value}"), "More time: --timeout SECONDS."],
        };
}

/// <summary>Hears how a start goes.</summary>
internal interface IReadinessProgress
{
    void Reached(Milestone milestone);

    void Waiting(IReadOnlyList<string> forWhat);
}
