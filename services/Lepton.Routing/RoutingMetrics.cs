using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Lepton.Routing;

/// <summary>The router's own metrics and traces. Names and meanings are listed in README.md.</summary>
internal sealed class RoutingMetrics
{
    public const string Name = "Lepton.Routing";

    public static readonly ActivitySource Activities = new(Name);

    public RoutingMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(Name);
        RequestDuration = meter.CreateHistogram<double>("lepton.routing.request.duration", "s",
            "From arrival to the answer's end.");
        DecisionDuration = meter.CreateHistogram<double>("lepton.routing.decision.duration", "s",
            "Finding the view and picking.");
        ActiveRequests = meter.CreateUpDownCounter<long>("lepton.routing.active_requests", "{request}",
            "Requests under way.");
        Attempts = meter.CreateCounter<long>("lepton.routing.attempts", "{attempt}", "Attempts by outcome.");
        Refusals = meter.CreateCounter<long>("lepton.routing.refusals", "{request}",
            "Requests refused here, by reason.");
        DecisionsLost = meter.CreateCounter<long>("lepton.routing.decisions.lost", "{decision}",
            "Decisions that could not be recorded.");
        SegmentBytes = meter.CreateCounter<long>("lepton.routing.decisions.segment.bytes", "By",
            "Bytes of closed decision segments, before and after they are compressed.");
        PanicPicks = meter.CreateCounter<long>("lepton.routing.panic.picks", "{attempt}",
            "Picks that ignored ejections and open circuits, because too few allowed places were healthy.");
        Ejections = meter.CreateCounter<long>("lepton.routing.ejections", "{ejection}",
            "Places that left the candidates as outliers.");
        CircuitChanges = meter.CreateCounter<long>("lepton.routing.circuit.changes", "{change}",
            "Circuits that opened, half-opened or closed.");
        Connections = meter.CreateUpDownCounter<long>("lepton.routing.connections", "{connection}",
            "Connections to nodes and other regions' routers that requests are forwarded by.");
        Pauses = meter.CreateCounter<double>("lepton.routing.pauses", "s",
            "Time in which this process itself did not run.");
        Meter = meter;
    }

    public Meter Meter { get; }

    public Histogram<double> RequestDuration { get; }

    public Histogram<double> DecisionDuration { get; }

    public UpDownCounter<long> ActiveRequests { get; }

    public Counter<long> Attempts { get; }

    public Counter<long> Refusals { get; }

    public Counter<long> DecisionsLost { get; }

    public Counter<long> SegmentBytes { get; }

    public Counter<long> PanicPicks { get; }

    public Counter<long> Ejections { get; }

    public Counter<long> CircuitChanges { get; }

    public UpDownCounter<long> Connections { get; }

    public Counter<double> Pauses { get; }
}
