namespace Lepton.Compliance.Client.Audit;

/// <summary>A file of the spool.</summary>
internal sealed class SpoolSegment(long number, string path)
{
    /// <summary>Counts up; the order of files.</summary>
    public long Number { get; } = number;

    public string Path { get; } = path;

    /// <summary>What is on the disk for certain: nothing beyond is read.</summary>
    public long Bytes { get; set; }

    /// <summary>Events in these bytes.</summary>
    public long Events { get; set; }

    /// <summary>Events of it that the log has.</summary>
    public long EventsSent { get; set; }

    /// <summary>Nothing is appended to it any more.</summary>
    public bool Closed { get; set; }
}

/// <summary>How far the spool was read.</summary>
/// <param name="Segment">A segment's number.</param>
/// <param name="Offset">Bytes of it.</param>
internal readonly record struct SpoolPosition(long Segment, long Offset);

/// <summary>What was read from the spool.</summary>
/// <param name="Payloads">Events as they were written; none: nothing is there now.</param>
/// <param name="End">Behind them.</param>
/// <param name="BytesDamaged">Bytes that are no frames, and were passed over.</param>
internal sealed record SpoolRead(IReadOnlyList<byte[]> Payloads, SpoolPosition End, long BytesDamaged);
