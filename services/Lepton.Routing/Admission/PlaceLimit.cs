using Lepton.Routing.Health;

namespace Lepton.Routing.Admission;

/// <summary>
/// How many requests of this router may be under way for one model at one place: learned from how long answers take.
/// </summary>
/// <remarks>
/// <para>A gradient limit (Netflix concurrency-limits, Gradient2; Brakmo and Peterson, TCP Vegas, 1995): next = used ×
/// gradient + √used, where gradient = tolerance × time without a queue / time now. With n requests at s slots the
/// time is n / s of that without a queue, so that the limit settles where the wait is about tolerance - 1 service
/// times, in one step. √used is the queue that is always allowed: it keeps small limits from starving and makes routers
/// that share a place even, since the one with fewer gains more.</para>
/// <para>The time without a queue is learned only from requests that found a slot free by our count: a load that lasts
/// must not become the measure of itself. It rises slowly (a place that stays slow is believed after minutes) and
/// falls quickly. Requests that found a free slot never lower the limit: where nobody waits, sending less helps
/// nobody; slowness is the strategies' and health's to judge. Refusals for lack of room, and silence that health holds
/// against the place, lower it whatever the times say. What callers do to themselves does not come here.</para>
/// <para>Answers cost two additions; the limit moves with the sweep, four times a second.</para>
/// </remarks>
internal sealed class PlaceLimit(LimitOptions options, TimeProvider time, PauseWatch pauses)
{
    // Fewer answers than this are one long request's word.
    private const int SamplesMin = 5;

    // With n requests at s slots the gradient is tolerance × s / n: low enough for many routers at few slots.
    private const double GradientMin = 0.2;

    // AIMD's decrease: Netflix takes 0.9 for drops; a storm of refusals is four steps a second.
    private const double RefusedFactor = 0.9;

    // Half of a change for the worse is believed after a minute, of one for the better (below half) after 5 s.
    private const double RiseHalfLife = 60, FallHalfLife = 5;

    // Answers sent before a fall are waited for, but not for ever.
    private const double BlindSecondsMax = 2;

    private AnswerTimes _free, _queued;
    private int _refused;
    private double _expected;
    private volatile int _current = options.PlaceMax;

    // From here on the sweep's own.
    private AnswerTimes _pending;
    private double _limit = options.PlaceMax;
    private double _freeSeconds;
    private int _usedBefore;
    private long _sweptAt = time.GetTimestamp();
    private double _blindSeconds;

    /// <summary>A request may be booked while fewer than this are under way.</summary>
    public int Current => _current;

    /// <summary>Something was learned that bounds it.</summary>
    public bool IsLearned => _current < options.PlaceMax;

    /// <summary>A good answer.</summary>
    /// <param name="seconds">From sending to its end, the wait there included.</param>
    /// <param name="queued">More requests were there than slots when it was sent.</param>
    /// <param name="expected">What an answer takes there without a queue, as the place itself says.</param>
    public void Answered(double seconds, bool queued, double expected)
    {
        (queued ? ref _queued : ref _free).Add(seconds);
        Volatile.Write(ref _expected, expected);
    }

    /// <summary>The place refused for lack of room, or was silent for too long.</summary>
    public void Refused() => Interlocked.Increment(ref _refused);

    /// <summary>Time passes: the limit moves. One at a time.</summary>
    /// <param name="outstanding">Under way now.</param>
    public void Sweep(int outstanding)
    {
        double seconds = time.GetElapsedTime(_sweptAt).TotalSeconds;
        _sweptAt = time.GetTimestamp();
        (AnswerTimes free, AnswerTimes queued) = (_free.Take(), _queued.Take());
        bool refused = Interlocked.Exchange(ref _refused, 0) > 0;
        int used = Math.Max(outstanding, _usedBefore);
        _usedBefore = outstanding;
        bool blind = (_blindSeconds -= seconds) > 0;
        // Answers that waited while this process was stopped seem slow: they say nothing of the place.
        if (pauses.InDoubt)
        {
            _pending = default;
            return;
        }
        if (_freeSeconds == 0)
            _freeSeconds = Volatile.Read(ref _expected) is > 0 and var said ? said : free.MeanSeconds;
        if (free.Count > 0)
            LearnFree(free.MeanSeconds, seconds);
        // Answers sent before the limit fell come in as slow as before: they must not lower it again. And where the
        // queue is gone, what was measured in it is too.
        _pending = blind || (queued.Count == 0 && free.Count > 0) ? default : _pending.With(queued);
        if (blind)
            return;
        if (refused)
            MoveTo(Math.Min(used * RefusedFactor, used - 1), _freeSeconds);
        else if (_pending.Count >= SamplesMin && _freeSeconds > 0)
            Judge(used);
        else if (_pending.Count == 0)
            Raise(used);
    }

    private void Judge(int used)
    {
        double now = _pending.MeanSeconds;
        _pending = default;
        double gradient = options.Tolerance * _freeSeconds / now;
        if (gradient >= 1)
            Raise(used);
        else if ((used * Math.Max(gradient, GradientMin)) + Math.Sqrt(used) is var next
            && (next < _limit || IsUsed(used)))
            MoveTo(next, now);
    }

    // A limit that nobody comes near has proved nothing by not being exceeded.
    private void Raise(int used)
    {
        if (IsUsed(used))
            MoveTo(Math.Max(_limit, used) + Math.Sqrt(_limit), 0);
    }

    private bool IsUsed(int used) => used * 2 >= _limit;

    private void MoveTo(double next, double blindSeconds)
    {
        next = Math.Clamp(next, options.PlaceMin, Math.Max(options.PlaceMin, options.PlaceMax));
        if (next < _limit)
            _blindSeconds = Math.Min(blindSeconds, BlindSecondsMax);
        _limit = next;
        _current = (int)Math.Ceiling(next); // rounded down, a limit of one would never grow
    }

    private void LearnFree(double mean, double seconds)
    {
        double halfLife = mean < _freeSeconds / 2 ? FallHalfLife : RiseHalfLife;
        _freeSeconds += (1 - Math.Pow(0.5, seconds / halfLife)) * (mean - _freeSeconds);
    }
}
