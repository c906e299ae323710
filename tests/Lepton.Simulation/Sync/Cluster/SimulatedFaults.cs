namespace Lepton.Simulation.Sync.Cluster;

/// <summary>Adapters that break what the product stands on: what a test switches on to see that it is found.</summary>
internal sealed record SimulatedFaults
{
    public static SimulatedFaults None { get; } = new();

    /// <summary>A database that answers before it has flushed: a crash loses what it committed so lately.</summary>
    public TimeSpan StoreLosesLast { get; init; }

    /// <summary>One in so many frames does not come through, and the next ones do. 0: none.</summary>
    public int FramesSkipped { get; init; }

    /// <summary>A receiver acknowledges what has come, before it is committed.</summary>
    public bool AcknowledgesEarly { get; init; }

    /// <summary>A source that sends every class to every region.</summary>
    public bool SourceIgnoresRegions { get; init; }

    /// <summary>Every node vouches for every home, whatever it promised.</summary>
    public bool VouchesAlways { get; init; }

    /// <summary>Nodes say that they destroyed keys, and keep them.</summary>
    public bool KeepsErasedKeys { get; init; }
}
