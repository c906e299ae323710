namespace Lepton.Routing.Balancing;

/// <summary>A place that was looked at and is no candidate: a node, or a router of another region.</summary>
internal sealed record Excluded(string Node, string Region, string Zone, Exclusion Reason)
{
    /// <summary>Empty for a node.</summary>
    public string Router { get; init; } = "";

    /// <summary>Evidence and duration, where the reason alone does not say them.</summary>
    public string Detail { get; init; } = "";
}

/// <summary>Why a place is no candidate.</summary>
internal enum Exclusion
{
    None,
    RegionNotAllowed,
    ModelNotReady,
    Draining,
    Starting,
    Out,
    Suspect,
    QueueLong,
    Attempted,
    SummaryStale,
    HopLimit,
    Ejected,
    CircuitOpen,
    ZoneFailed,
    OverLimit,
}
