using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;

namespace Lepton.Routing.Listing;

/// <summary>Nodes in their wire form.</summary>
internal static class WireNodes
{
    public static Node Of(NodeView view, DateTimeOffset now)
    {
        Node node = new()
        {
            Report = view.Report,
            State = view.State,
            ReportTime = view.ReportTime.ToTimestamp(),
            Outstanding = (uint)Math.Max(0, view.Outstanding),
            Completed = (ulong)view.Models.Sum(m => m.Lane.Completed),
            Failed = (ulong)view.Models.Sum(m => m.Lane.Failed),
        };
        node.Health = WireHealth.Of(view.Health, view.Models.Select(m => (m.Name, m.Version, m.Lane)), now);
        if (view.RoundTripSeconds > 0)
            node.RoundTripTime = TimeSpan.FromSeconds(view.RoundTripSeconds).ToDuration();
        // Over the models, by what each has answered here.
        double weight = view.Models.Sum(m => m.Lane.ServiceSeconds > 0 ? (double)m.Lane.Completed : 0);
        if (weight > 0)
            node.ServiceTime = TimeSpan.FromSeconds(
                view.Models.Sum(m => m.Lane.ServiceSeconds * m.Lane.Completed) / weight).ToDuration();
        return node;
    }
}
