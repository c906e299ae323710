using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Lepton.Routing.Admission;
using Lepton.Routing.Health;

namespace Lepton.Routing.Balancing;

/// <summary>
/// What this router itself knows, live, of one model on one node (or in one other region): requests under way there
/// and the time one takes. Outlives snapshots; every field has cache lines of its own, since all requests write them.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification =
    "A lane's end is nobody's to say: requests may still hold it. A source without timer and handle holds nothing.")]
internal sealed class Lane(PlaceHealth? place = null, Circuit? circuit = null, PlaceLimit? limit = null)
{
    // An EWMA over about the last 20 answers: quick enough to see a node turn slow, slow enough for its noise.
    private const double Gain = 0.1;

    // A failure is worse news than an answer is good news: three in a row make two thirds of the whole penalty.
    private const double FailureGain = 0.3;

    // A penalty below this share of the service time is forgiven: answers are quick again.
    private const double PenaltyMin = 0.01;

    private Live _live;
    private CancellationTokenSource _gone = new();
    private int _streams;

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Live
    {
        [FieldOffset(64)] public int Outstanding;
        [FieldOffset(68)] public int Run;
        [FieldOffset(72)] public double ServiceSeconds;
        [FieldOffset(80)] public long LearnedAt;
        [FieldOffset(88)] public long Good;
        [FieldOffset(96)] public long Failed;
        [FieldOffset(104)] public double PeakServiceSeconds;
        [FieldOffset(112)] public long Unjudged;
        [FieldOffset(120)] public double Penalty;
    }

    /// <summary>Requests of this router under way there.</summary>
    public int Outstanding => Volatile.Read(ref _live.Outstanding);

    /// <summary>Learned service time in seconds; 0 before the first answer.</summary>
    public double ServiceSeconds => Volatile.Read(ref _live.ServiceSeconds);

    /// <summary>The same, but risen to a slower answer at once; 0 before the first answer.</summary>
    public double PeakServiceSeconds => Volatile.Read(ref _live.PeakServiceSeconds);

    /// <summary>
    /// 1 or more: times that the service time counts longer, because requests failed here lately. Rises with each
    /// failure, falls with each answer and with time; so that fast failures attract nobody.
    /// </summary>
    public double Slowness => 1 + Volatile.Read(ref _live.Penalty);

    public long Completed => Good + Failed + Volatile.Read(ref _live.Unjudged);

    public long Good => Volatile.Read(ref _live.Good);

    public long Failed => Volatile.Read(ref _live.Failed);

    /// <summary>The place that it leads to; null where health is nobody's business.</summary>
    public PlaceHealth? Place => place;

    public Circuit? Circuit => circuit;

    /// <summary>Closed where there is none.</summary>
    public CircuitState CircuitState => circuit?.State ?? CircuitState.Closed;

    /// <summary>
    /// Requests under way below which one more may be booked. Streams are not counted: they are open for long, and
    /// mostly idle.
    /// </summary>
    public int Limit => limit is null ? int.MaxValue : limit.Current + Volatile.Read(ref _streams);

    /// <summary>Something was learned that bounds <see cref="Limit"/>.</summary>
    public bool IsLimited => limit?.IsLearned == true;

    /// <summary>The model's name.</summary>
    public string Model { get; init; } = "";

    /// <summary>What <see cref="Slowness"/> rises to, less 1, where every request fails.</summary>
    public double PenaltyFactor { get; init; } = new PenaltyOptions().Factor;

    /// <summary>What it answered lately; only the sweep looks.</summary>
    public OutcomeWindow Window { get; } = new();

    /// <summary>Fires when the place is out: who waits for an answer there may look elsewhere.</summary>
    public CancellationToken Gone => Volatile.Read(ref _gone).Token;

    /// <summary>The place is out.</summary>
    public void Leave() => Volatile.Read(ref _gone).Cancel();

    /// <summary>The place is back.</summary>
    public void Return()
    {
        if (Gone.IsCancellationRequested)
            Volatile.Write(ref _gone, new CancellationTokenSource());
    }

    /// <summary>
    /// Books one request if fewer than <paramref name="below"/> are under way. Looking and booking are one step: two
    /// requests never both take the last slot.
    /// </summary>
    public bool TryReserve(int below)
    {
        int seen = Outstanding;
        while (seen < below)
        {
            int found = Interlocked.CompareExchange(ref _live.Outstanding, seen + 1, seen);
            if (found == seen)
                return true;
            seen = found;
        }
        return false;
    }

    /// <summary>One more of the booked requests is a stream, or one fewer.</summary>
    public void CountStream(int by) => Interlocked.Add(ref _streams, by);

    /// <summary>Ends one booked request. Exactly once each: <see cref="Reservation"/> sees to that.</summary>
    /// <param name="outcome">What its end says of the place.</param>
    /// <param name="trial">It was the circuit's trial.</param>
    public void Release(Outcome outcome, bool trial = false)
    {
        Interlocked.Decrement(ref _live.Outstanding);
        if (outcome != Outcome.Good)
        {
            ReleaseOther(outcome, trial);
            return;
        }
        Interlocked.Increment(ref _live.Good);
        if (trial || Volatile.Read(ref _live.Run) != 0 || Volatile.Read(ref _live.Penalty) != 0)
            Recover(trial);
        if (place is { InRun: true })
            place.Answered();
    }

    /// <summary>Time passes: penalties are forgiven, an open circuit's time runs out, the limit moves.</summary>
    /// <param name="kept">0 to 1: what is left of a penalty.</param>
    public void Sweep(double kept)
    {
        if (Volatile.Read(ref _live.Penalty) is > 0 and var penalty)
            Volatile.Write(ref _live.Penalty, penalty * kept < PenaltyMin ? 0 : penalty * kept);
        limit?.Sweep(Math.Max(0, Outstanding - Volatile.Read(ref _streams)));
        if (circuit?.Sweep() == true)
            place?.Tell(this, HealthChange.CircuitHalfOpen);
    }

    /// <summary>Opens the circuit on evidence over time.</summary>
    public void Trip(string why)
    {
        if (circuit?.Trip(why) == true)
            place?.Tell(this, HealthChange.CircuitOpened);
    }

    /// <summary>Takes the whole time of a good answer, for the limit.</summary>
    /// <param name="seconds">From sending to its end.</param>
    /// <param name="queued">It was sent when the slots were taken.</param>
    /// <param name="expected">What it takes without a queue, as the place itself says.</param>
    public void Answered(double seconds, bool queued, double expected) => limit?.Answered(seconds, queued, expected);

    /// <summary>
    /// Takes one answered request's service time. Only good answers teach: a fast failure must not attract.
    /// </summary>
    public void Learn(double seconds, long timestamp)
    {
        // Two racing writers may lose one sample of an average: cheaper than a lock and as good.
        double old = ServiceSeconds, peak = PeakServiceSeconds;
        Volatile.Write(ref _live.ServiceSeconds, old == 0 ? seconds : old + (Gain * (seconds - old)));
        Volatile.Write(ref _live.PeakServiceSeconds, seconds > peak ? seconds : peak + (Gain * (seconds - peak)));
        Volatile.Write(ref _live.LearnedAt, timestamp);
    }

    /// <summary>
    /// Drops what was learned before <paramref name="before"/>: a node that was slow once and got no request since
    /// would otherwise be slow for ever.
    /// </summary>
    public void ForgetIfOlder(long before)
    {
        if (Volatile.Read(ref _live.LearnedAt) >= before)
            return;
        Volatile.Write(ref _live.ServiceSeconds, 0);
        Volatile.Write(ref _live.PeakServiceSeconds, 0);
    }

    private void Recover(bool trial)
    {
        Volatile.Write(ref _live.Run, 0);
        Punish(toward: 0, Gain);
        if (trial && circuit?.Close() == true)
            place?.Tell(this, HealthChange.CircuitClosed);
    }

    private void ReleaseOther(Outcome outcome, bool trial)
    {
        bool failed = outcome is Outcome.Failed or Outcome.Unreachable or Outcome.TimedOut
            && place?.Doubts(outcome) != true;
        Interlocked.Increment(ref failed ? ref _live.Failed : ref _live.Unjudged);
        if (outcome == Outcome.Overloaded)
            Punish(PenaltyFactor, Gain); // quick to refuse, and soon forgiven
        if (outcome == Outcome.Overloaded || (failed && outcome == Outcome.TimedOut))
            limit?.Refused();
        if (failed)
            Fail(outcome, trial);
        else if (trial)
            circuit?.Retry();
    }

    private void Fail(Outcome outcome, bool trial)
    {
        Punish(PenaltyFactor, FailureGain);
        int run = Interlocked.Increment(ref _live.Run);
        if (circuit?.Fail(run, trial) == true)
            place?.Tell(this, HealthChange.CircuitOpened);
        place?.Failed(this, outcome);
    }

    // As with Learn: a lost sample of two racing writers is cheaper than a lock.
    private void Punish(double toward, double gain)
    {
        double penalty = Volatile.Read(ref _live.Penalty);
        penalty += gain * (toward - penalty);
        Volatile.Write(ref _live.Penalty, penalty < PenaltyMin ? 0 : penalty);
    }
}
