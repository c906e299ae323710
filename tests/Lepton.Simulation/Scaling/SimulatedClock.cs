namespace Lepton.Simulation.Scaling;

/// <summary>A simulation's clock: it is what the simulation says.</summary>
internal sealed class SimulatedClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    public double Seconds { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => (long)Math.Round(Seconds * TimeSpan.TicksPerSecond);

    public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromSeconds(Seconds);
}
