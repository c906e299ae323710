using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Balancing;
using Lepton.Routing.Resilience;

namespace Lepton.Routing.Decisions;

/// <summary>One attempt: the view it picked from, the draws, and the live counts at that moment.</summary>
internal sealed class AttemptDraft
{
    // A record names at most this many candidates; the drawn ones are always among them.
    private const int CandidatesMax = 64;

    private readonly int[] _indexes;
    private readonly int[] _outstanding;
    private readonly double[] _serviceSeconds, _slowness, _scores;
    private readonly bool[] _full;
    private readonly PickTrace _trace;

    /// <param name="limitShare">The part of limits that the request may use; 0: it met none.</param>
    public AttemptDraft(CandidateView view, in PickTrace trace, Candidate? picked, DateTimeOffset startTime,
        bool booked, double limitShare = 0)
    {
        (View, _trace, Picked, StartTime) = (view, trace, picked, startTime);
        Candidate[] all = view.All.Candidates;
        _indexes = Choose(all, trace, picked);
        _outstanding = new int[_indexes.Length];
        _serviceSeconds = new double[_indexes.Length];
        _slowness = new double[_indexes.Length];
        _scores = new double[_indexes.Length];
        _full = limitShare > 0 ? new bool[_indexes.Length] : [];
        for (int i = 0; i < _indexes.Length; i++)
        {
            Candidate c = all[_indexes[i]];
            // As the strategy saw it: the picked one's own booking is not counted.
            _outstanding[i] = c.Lane.Outstanding - (booked && ReferenceEquals(c, picked) ? 1 : 0);
            _serviceSeconds[i] = c.ServiceSeconds;
            _slowness[i] = c.Lane.Slowness;
            _scores[i] = c.ScoreAt(_outstanding[i]);
            if (limitShare > 0)
                _full[i] = _outstanding[i] >= Math.Max(1, (int)(c.Lane.Limit * limitShare));
            if (ReferenceEquals(c, picked))
                OutstandingAtPick = _outstanding[i];
        }
    }

    /// <summary>Requests that were under way at the picked place before this one.</summary>
    public int OutstandingAtPick { get; }

    public CandidateView View { get; }

    public Candidate? Picked { get; }

    public DateTimeOffset StartTime { get; }

    public TimeSpan Duration { get; set; }

    public int StatusCode { get; set; } = DecisionDraft.UnderWay;

    public string Reason { get; set; } = "";

    /// <summary>Places that the request was not to go to.</summary>
    public PassedOver PassedOver { get; init; } = PassedOver.Nobody;

    public bool Guarded { get; init; }

    public V1.Attempt ToAttempt(int number)
    {
        V1.Attempt attempt = new()
        {
            Number = (uint)number,
            CandidatesTotal = (uint)(View.All.Candidates.Length + View.Excluded.Count),
            Node = Picked?.Node ?? "",
            Region = Picked is null or { IsRegion: false } ? "" : Picked.Region,
            Router = Picked?.Router ?? "",
            StartTime = StartTime.ToTimestamp(),
            Duration = Duration.ToDuration(),
            StatusCode = StatusCode,
            Reason = Reason,
            Panic = View.Panic,
            Trial = View.IsTrial,
            Limited = _full.Length > 0,
        };
        for (int i = 0; i < _trace.DrawCount; i++)
            attempt.Draws.Add(_trace.DrawAt(i));
        for (int i = 0; i < _trace.DrawnCount; i++)
        {
            attempt.Drawn.Add((uint)Array.IndexOf(_indexes, _trace.DrawnAt(i)));
            if (double.IsNaN(_trace.CostAt(i)))
                continue;
            attempt.DrawnCosts.Add(_trace.CostAt(i));
            attempt.DrawnOutstanding.Add((uint)_trace.OutstandingAt(i));
        }
        (attempt.DrawsLost, attempt.DrawnLost) = ((uint)_trace.DrawsLost, (uint)_trace.DrawnLost);
        for (int i = 0; i < _indexes.Length; i++)
            attempt.Candidates.Add(ToCandidate(i));
        foreach (Excluded excluded in View.Excluded.Take(CandidatesMax - _indexes.Length))
            attempt.Candidates.Add(new V1.Candidate
            {
                Node = excluded.Node, Region = excluded.Region, Zone = excluded.Zone,
                Exclusion = ToWire(excluded.Reason), ExclusionDetail = excluded.Detail, Router = excluded.Router,
            });
        return attempt;
    }

    private V1.Candidate ToCandidate(int i)
    {
        Candidate c = View.All.Candidates[_indexes[i]];
        return new V1.Candidate
        {
            Node = c.Node,
            Region = c.Region,
            Router = c.Router,
            Zone = c.Zone,
            Exclusion = ToWire(ExclusionOf(c, i)),
            Weight = View.All.Weights[_indexes[i]],
            Score = _scores[i],
            RoundTripTime = TimeSpan.FromSeconds(c.RoundTripSeconds).ToDuration(),
            ServiceTime = TimeSpan.FromSeconds(_serviceSeconds[i]).ToDuration(),
            Slots = (uint)c.Slots,
            Outstanding = (uint)Math.Max(0, _outstanding[i]),
            Queued = (uint)c.Queued,
            QueueMax = (uint)c.QueueMax,
            LoadPercent = c.LoadPercent,
            Slowness = _slowness[i],
            StartShare = c.StartShare,
            RoomBelow = (uint)Guard.RoomBelow(c),
        };
    }

    // What the guard passed over: only where the strategy has a guard and another candidate of its level was better
    // off.
    private Exclusion ExclusionOf(Candidate candidate, int i)
    {
        if (!ReferenceEquals(candidate, Picked)
            && PassedOver.ReasonOf(candidate.Lane) is not Exclusion.None and var why)
            return why;
        if (_full.Length > 0 && _full[i] && !ReferenceEquals(candidate, Picked))
            return Exclusion.OverLimit;
        if (!Guarded || Picked is null || ReferenceEquals(candidate, Picked) || candidate.IsRegion != Picked.IsRegion)
            return Exclusion.None;
        int picked = Array.FindIndex(_indexes, x => ReferenceEquals(View.All.Candidates[x], Picked));
        return picked >= 0 && _outstanding[i] >= Guard.RoomBelow(candidate)
            && _outstanding[picked] < Guard.RoomBelow(Picked) ? Exclusion.QueueLong : Exclusion.None;
    }

    private static int[] Choose(Candidate[] all, in PickTrace trace, Candidate? picked)
    {
        if (all.Length <= CandidatesMax)
            return [.. Enumerable.Range(0, all.Length)];
        List<int> chosen = new(CandidatesMax);
        for (int i = 0; i < trace.DrawnCount; i++)
            if (!chosen.Contains(trace.DrawnAt(i)))
                chosen.Add(trace.DrawnAt(i));
        int index = Array.IndexOf(all, picked);
        if (index >= 0 && !chosen.Contains(index))
            chosen.Add(index);
        for (int i = 0; chosen.Count < CandidatesMax; i++)
            if (!chosen.Contains(i))
                chosen.Add(i);
        return [.. chosen];
    }

    private static V1.ExclusionReason ToWire(Exclusion reason) => reason switch
    {
        Exclusion.None => V1.ExclusionReason.Unspecified,
        Exclusion.RegionNotAllowed => V1.ExclusionReason.RegionNotAllowed,
        Exclusion.ModelNotReady => V1.ExclusionReason.ModelNotReady,
        Exclusion.Draining => V1.ExclusionReason.Draining,
        Exclusion.Starting => V1.ExclusionReason.Starting,
        Exclusion.Out => V1.ExclusionReason.Out,
        Exclusion.Suspect => V1.ExclusionReason.Suspect,
        Exclusion.QueueLong => V1.ExclusionReason.QueueLong,
        Exclusion.Attempted => V1.ExclusionReason.Attempted,
        Exclusion.SummaryStale => V1.ExclusionReason.SummaryStale,
        Exclusion.HopLimit => V1.ExclusionReason.HopLimit,
        Exclusion.Ejected => V1.ExclusionReason.Ejected,
        Exclusion.CircuitOpen => V1.ExclusionReason.CircuitOpen,
        Exclusion.ZoneFailed => V1.ExclusionReason.ZoneFailed,
        Exclusion.OverLimit => V1.ExclusionReason.OverLimit,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "not an exclusion"),
    };
}
