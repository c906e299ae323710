using Lepton.Routing.Balancing;
using Lepton.Routing.Resilience;

namespace Lepton.Routing.Gateway;

/// <summary>One request's attempts so far, and where they were. Only the loop that looks after it writes
/// here.</summary>
internal sealed class Forwarding(
    GatewayCall call, IBalancingStrategy strategy, Func<Candidate, ValueTask<RequestBody?>> contentFor)
{
    private readonly List<Attempt> _attempts = new(1);
    private List<Candidate>? _died;
    private PassedOver? _passed;

    public GatewayCall Call { get; } = call;

    public IBalancingStrategy Strategy { get; } = strategy;

    /// <summary>The model's; known once there is a place, so that made-up names have none.</summary>
    public ModelFlow Flow
    {
        get => field ?? throw new InvalidOperationException("No place was found yet.");
        set;
    }

    /// <summary>The request's body for one attempt; null when it can't be sent once more.</summary>
    public Func<Candidate, ValueTask<RequestBody?>> ContentFor { get; } = contentFor;

    /// <summary>No place that was looked at declares that the request must not run twice.</summary>
    public bool Idempotent { get; set; } = true;

    public bool WasHedged { get; set; }

    public IReadOnlyList<Attempt> Attempts => _attempts;

    public PassedOver Passed => _passed ?? PassedOver.Nobody;

    public IReadOnlyList<Candidate> Died => _died ?? (IReadOnlyList<Candidate>)[];

    /// <summary>One request and one answer: only such a call is hedged, or moved when its place goes.</summary>
    public bool IsUnary => Call.Method != GatewayMethod.ModelStreamInfer;

    public void Add(Attempt attempt) => _attempts.Add(attempt);

    /// <summary>The request is not sent there again.</summary>
    /// <param name="attempt">Its place.</param>
    /// <param name="died">The place died: its zone is rather not asked either.</param>
    public void PassOver(Attempt attempt, bool died)
    {
        (_passed ??= new PassedOver()).Add(attempt.Candidate.Lane, Exclusion.Attempted);
        if (died && !Died.Contains(attempt.Candidate))
            (_died ??= []).Add(attempt.Candidate);
    }

    /// <summary>An attempt that still runs and is waited for.</summary>
    public Attempt? Running()
    {
        foreach (Attempt attempt in _attempts)
            if (!attempt.IsDone && !attempt.IsEnded)
                return attempt;
        return null;
    }

    /// <summary>
    /// The attempt whose answer goes to the caller: the first good one, or any when nobody better is under way.
    /// </summary>
    public Attempt? Winner()
    {
        bool alone = Running() is null;
        foreach (Attempt attempt in _attempts)
            if (attempt is { IsDone: true, IsEnded: false, HasAnswer: true, Failure: Failure.None }
                && (alone || FailureRules.IsFinal(attempt.Status) || !attempt.IsWhole))
                return attempt;
        return null;
    }

    /// <summary>The last answer that could be passed on: its own words say more than any of ours.</summary>
    public Attempt? LastAnswer()
    {
        for (int i = _attempts.Count - 1; i >= 0; i--)
            if (_attempts[i].HasAnswer)
                return _attempts[i];
        return null;
    }
}
