using Lepton.Sync.Homes;
using Lepton.Sync.Records;
using WriteLevel = Lepton.Sync.V1.WriteLevel;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>What a client knows of what it did.</summary>
internal enum OperationEnd
{
    /// <summary>Nothing yet, or that it may have happened.</summary>
    Unknown,

    /// <summary>It was done; a read has <see cref="ClientOperation.Value"/>.</summary>
    Done,

    /// <summary>The record had another version.</summary>
    Conflict,

    /// <summary>Nothing was written, and never will be.</summary>
    Refused,
}

/// <summary>One thing that a client did to a key, and what it heard.</summary>
internal sealed class ClientOperation
{
    public required int Number { get; init; }

    public required SimulatedKey Key { get; init; }

    public required bool IsRead { get; init; }

    /// <summary>Written, or found; null: none.</summary>
    public string? Value { get; set; }

    /// <summary>Of a conditional write.</summary>
    public RecordVersion? Expected { get; init; }

    public WriteLevel Level { get; set; }

    /// <summary>With the level ANY.</summary>
    public int OtherRegions { get; init; }

    public Guid RequestId { get; init; }

    public required TimeSpan Began { get; init; }

    public TimeSpan? Ended { get; set; }

    public OperationEnd End { get; set; }

    /// <summary>Written, found, or in the way.</summary>
    public RecordVersion Version { get; set; }

    public HomeReason Reason { get; set; }

    public Durability Durability { get; set; } = Durability.None;

    /// <summary>An earlier try of it may have been done.</summary>
    public bool WasUnknown { get; set; }

    public override string ToString() =>
        $"{Began.TotalSeconds,7:F3}-{Ended?.TotalSeconds,7:F3} #{Number} {Key} "
        + (IsRead ? "read" : Expected is { } e ? $"put if {e}" : Value is null ? "delete" : "put")
        + $" {Value} {(IsRead ? "" : $"{Level}{(OtherRegions > 0 ? OtherRegions : "")} ")}-> {End} {Reason} {Version}"
        + (Durability.Committed ? $" zone {Durability.Zone}, regions {string.Join(',', Durability.Regions)}" : "")
        + (WasUnknown ? " (retried)" : "");
}
