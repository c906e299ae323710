using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Gateway;

namespace Lepton.Routing.Admission;

/// <summary>Refuses what there is no room for, and says when to come again.</summary>
internal sealed class Shedding(AdmissionMetrics metrics, ChanceSource chance)
{
    // Batch has time: it stays away longer, and all come back spread out over as long as they stayed away.
    private static readonly TimeSpan RealtimeDelay = TimeSpan.FromSeconds(0.5), BatchDelay = TimeSpan.FromSeconds(2);

    /// <param name="priority">Of the request.</param>
    /// <param name="limit">The option that bounds what it found full.</param>
    public RpcException Refuse(Priority priority, string limit)
    {
        metrics.Shed.Add(1,
            new KeyValuePair<string, object?>("lepton.priority", priority == Priority.Batch ? "batch" : "realtime"),
            new KeyValuePair<string, object?>("lepton.limit", limit[(limit.LastIndexOf(':') + 1)..]));
        Chance draw = chance.Next();
        TimeSpan least = priority == Priority.Batch ? BatchDelay : RealtimeDelay;
        return GatewayErrors.Overloaded(limit, least * (1 + draw.Next()));
    }
}
