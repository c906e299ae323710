namespace Lepton.Simulation;

/// <summary>A node: slots, a bounded queue, and a mean service time of its own.</summary>
internal sealed class SimulatedNode(string id, int slots, int queueMax, double meanServiceSeconds,
    double roundTripSeconds)
{
    // As nodes average what they report: a fifth for the newest execution.
    private const double Newest = 0.2;

    private readonly Queue<(double Size, Action<double> Start)> _waiting = new();

    public string Id { get; } = id;

    public int Slots { get; } = slots;

    public int QueueMax { get; } = queueMax;

    public double RoundTripSeconds { get; } = roundTripSeconds;

    public double MeanServiceSeconds { get; set; } = meanServiceSeconds;

    public int Busy { get; private set; }

    /// <summary>Answered since the start.</summary>
    public int Completed { get; private set; }

    public int Queued => _waiting.Count;

    public double LastArrivalSeconds { get; private set; } = double.NegativeInfinity;

    /// <summary>What it tells at a report: R2's load.</summary>
    public double LoadPercent => 100.0 * Busy / Slots;

    /// <summary>What it tells at a report: a moving average over executions; 0 before the first.</summary>
    public double AverageServiceSeconds { get; private set; }

    /// <summary>
    /// Takes a request; <paramref name="start"/> is called, with the service time, when a slot is free.
    /// </summary>
    /// <param name="size">The request's work: multiplies the mean service time.</param>
    /// <param name="start">Starts it.</param>
    /// <returns>False when the queue is full.</returns>
    public bool Offer(double size, double time, Action<double> start)
    {
        LastArrivalSeconds = time;
        if (Busy < Slots)
        {
            Busy++;
            start(size * MeanServiceSeconds);
            return true;
        }
        if (_waiting.Count >= QueueMax)
            return false;
        _waiting.Enqueue((size, start));
        return true;
    }

    public void Finish(double serviceSeconds)
    {
        AverageServiceSeconds = AverageServiceSeconds == 0
            ? serviceSeconds
            : AverageServiceSeconds + (Newest * (serviceSeconds - AverageServiceSeconds));
        Busy--;
        Completed++;
        if (!_waiting.TryDequeue(out (double Size, Action<double> Start) next))
            return;
        Busy++;
        next.Start(next.Size * MeanServiceSeconds);
    }
}
