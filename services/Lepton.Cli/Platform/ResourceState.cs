namespace Lepton.Cli.Platform;

/// <summary>One resource as the app host sees it.</summary>
internal sealed record ResourceState
{
    /// <summary>The name in the topology, such as <c>routing-eu-west</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The name of the running copy, by which its log is asked for.</summary>
    public required string Id { get; init; }

    /// <summary>Aspire's words: Starting, Running, Exited, Finished, FailedToStart, NotStarted and so on.</summary>
    public required string State { get; init; }

    /// <summary>Healthy, Degraded or Unhealthy; null when nothing was reported yet.</summary>
    public string? Health { get; init; }

    public int? Pid { get; init; }

    public int? ExitCode { get; init; }

    public DateTimeOffset? StartTime { get; init; }

    /// <summary>It ended or never began, and nothing will bring it back by itself.</summary>
    public bool HasFailed => State is "Exited" or "Finished" or "FailedToStart" or "RuntimeUnhealthy";

    /// <summary>Somebody looks whether it is healthy; without that it has no <see cref="Health"/>.</summary>
    public bool HasHealthChecks { get; init; }

    /// <summary>It runs and, where that is looked at, was found healthy.</summary>
    public bool IsServing => State is "Running" && (Health is "Healthy" || !HasHealthChecks);

    /// <summary>A process of it is there.</summary>
    public bool IsAlive => State is "Starting" or "Running" or "Stopping" or "Waiting";

    /// <summary>The standby nodes wait for somebody to start them.</summary>
    public bool IsWaitingForStart => State is "NotStarted";
}

/// <summary>Where resource states and logs come from: the app host's resource service, or a test.</summary>
internal interface IResourceSource
{
    /// <summary>Empty while the app host does not answer yet.</summary>
    Task<IReadOnlyList<ResourceState>> ListAsync(CancellationToken cancellation);

    /// <summary>The end of a resource's console log.</summary>
    Task<IReadOnlyList<string>> LogTailAsync(string resourceId, CancellationToken cancellation);
}
