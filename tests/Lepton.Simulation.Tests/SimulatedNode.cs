namespace Lepton.Simulation.Tests;

/// <summary>A node: slots, a bounded queue, and service times of its own.</summary>
internal sealed class SimulatedNode(string id, int slots, int queueMax, double meanServiceSeconds,
    double roundTripSeconds)
{
    private readonly Queue<Action<double>> _waiting = new();

    public string Id { get; } = id;

    public int Slots { get; } = slots;

    public int QueueMax { get; } = queueMax;

    public double RoundTripSeconds { get; } = roundTripSeconds;

    public double MeanServiceSeconds { get; set; } = meanServiceSeconds;

    public int Busy { get; private set; }

    public int Queued => _waiting.Count;

    /// <summary>What it tells at a heartbeat.</summary>
    public double LoadPercent => 100.0 * Busy / Slots;

    /// <summary>
    /// Takes a request; <paramref name="start"/> is called, with the service time, when a slot is free.
    /// </summary>
    /// <returns>False when the queue is full.</returns>
    public bool Offer(Random random, Action<double> start)
    {
        if (Busy < Slots)
        {
            Busy++;
            start(ServiceSeconds(random));
            return true;
        }
        if (_waiting.Count >= QueueMax)
            return false;
        _waiting.Enqueue(start);
        return true;
    }

    public void Finish(Random random)
    {
        Busy--;
        if (!_waiting.TryDequeue(out Action<double>? next))
            return;
        Busy++;
        next(ServiceSeconds(random));
    }

    // Log-normal with sigma 0.5: most requests alike, a few three times as long.
    private double ServiceSeconds(Random random)
    {
        const double sigma = 0.5;
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return MeanServiceSeconds * Math.Exp((sigma * normal) - (sigma * sigma / 2));
    }
}
