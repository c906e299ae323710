using Google.Protobuf.WellKnownTypes;

namespace Lepton.Routing.Decisions;

/// <summary>Compares a segment as it is on the disk with what was anchored of it.</summary>
internal static class SegmentProof
{
    public static V1.DecisionAnchor Of(SegmentFile segment, bool isOpen)
    {
        V1.DecisionAnchor proof = new() { Segment = segment.Name, State = V1.AnchorState.Open };
        if (isOpen)
            return proof;
        SegmentAnchor? anchor = SegmentAnchor.Read(segment);
        proof.Root = RootOf(segment);
        if (anchor is null)
        {
            proof.State = V1.AnchorState.Pending;
            return proof;
        }
        proof.Records = (ulong)anchor.Records;
        proof.AnchoredRoot = anchor.Root;
        proof.AuditEventId = anchor.EventId;
        proof.AnchorTime = anchor.Time.ToTimestamp();
        proof.State = proof.Root != anchor.Root ? V1.AnchorState.Broken
            : anchor.Written ? V1.AnchorState.Anchored
            : V1.AnchorState.Pending;
        return proof;
    }

    private static string RootOf(SegmentFile segment)
    {
        try
        {
            return segment.Read() is { } frames ? SegmentAnchor.RootOf(frames) : "";
        }
        catch (Exception e) when (e is InvalidDataException or IOException or InvalidOperationException)
        {
            return ""; // what was compressed is no longer
        }
    }
}
