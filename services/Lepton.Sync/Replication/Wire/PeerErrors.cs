using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Replication.Source;

namespace Lepton.Sync.Replication.Wire;

/// <summary>Refusals between nodes, in their wire form.</summary>
internal static class PeerErrors
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public static RpcException Of(StreamEnd end, string node) => end switch
    {
        StreamEnd.PositionLost => RpcErrors.Create(StatusCode.OutOfRange, V1.ErrorReason.PositionLost,
            "What comes after the position is no longer held here: copy the slots."),
        StreamEnd.NodeUnknown => Unknown(node),
        StreamEnd.NotAllowed => NotAllowed(node),
        StreamEnd.Superseded => RpcErrors.Create(StatusCode.Aborted, Platform.V1.ErrorReason.Cancelled,
            "Another stream of the same node has begun."),
        _ => RpcErrors.Create(StatusCode.Unavailable, V1.ErrorReason.DatabaseUnavailable,
            "The database's log has not been read yet.", null, RpcErrors.RetryAfter(Soon)),
    };

    public static RpcException Of(CopyVerdict verdict, string node) => verdict switch
    {
        CopyVerdict.NodeUnknown => Unknown(node),
        CopyVerdict.NotAllowed => NotAllowed(node),
        CopyVerdict.ResidencyRefused => RpcErrors.Create(StatusCode.PermissionDenied,
            V1.ErrorReason.ResidencyRefused, $"{node} may not hold these slots."),
        CopyVerdict.NotHome => RpcErrors.Create(StatusCode.FailedPrecondition, V1.ErrorReason.NotHome,
            "This node is not home of all these slots."),
        _ => RpcErrors.Create(StatusCode.Unavailable, V1.ErrorReason.TopologyUnavailable,
            "The caller's map is newer, and the topology store does not answer.", null, RpcErrors.RetryAfter(Soon)),
    };

    public static RpcException Stopping() => RpcErrors.Create(
        StatusCode.Unavailable, Platform.V1.ErrorReason.Stopping, "This node stops.", null, RpcErrors.RetryAfter(Soon));

    private static RpcException Unknown(string node) => RpcErrors.Create(
        StatusCode.NotFound, V1.ErrorReason.NodeUnknown, $"The map has no node {node}.");

    private static RpcException NotAllowed(string node) => RpcErrors.Create(StatusCode.PermissionDenied,
        Platform.V1.ErrorReason.CallerNotAllowed, $"Only service sync of the region of {node} may say that it is it.");
}
