using Google.Protobuf.WellKnownTypes;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Circuit = Lepton.Routing.Health.Circuit;

namespace Lepton.Routing.Listing;

/// <summary>A place's health in its wire form. Times left become times of day here.</summary>
internal static class WireHealth
{
    public static V1.PlaceHealth Of(
        PlaceState state, IEnumerable<(string Name, string Version, Lane Lane)> models, DateTimeOffset now)
    {
        V1.PlaceHealth wire = new() { Ejections = (uint)state.Ejections, StartShare = state.StartShare };
        if (state.Ejection is { } ejection)
            (wire.EjectionCause, wire.EjectionDetail, wire.EjectedUntilTime) =
                (ToWire(ejection.Cause), ejection.Why, (now + state.Left).ToTimestamp());
        foreach ((string name, string version, Lane lane) in models)
            if (lane.Circuit is { State: not CircuitState.Closed } circuit)
                wire.Circuits.Add(ToWire(name, version, circuit, now));
        return wire;
    }

    private static V1.ModelCircuit ToWire(string name, string version, Circuit circuit, DateTimeOffset now)
    {
        TimeSpan left = circuit.Left;
        return new V1.ModelCircuit
        {
            Model = name, Version = version, State = ToWire(circuit.State), Detail = circuit.Why,
            Times = (uint)circuit.Times, TrialTime = left > TimeSpan.Zero ? (now + left).ToTimestamp() : null,
        };
    }

    private static V1.CircuitState ToWire(CircuitState state) => state switch
    {
        CircuitState.Closed => V1.CircuitState.Closed,
        CircuitState.Open => V1.CircuitState.Open,
        CircuitState.HalfOpen => V1.CircuitState.HalfOpen,
        CircuitState.Trial => V1.CircuitState.Trial,
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "not a state"),
    };

    private static V1.EjectionCause ToWire(EjectionCause cause) => cause switch
    {
        EjectionCause.ConsecutiveFailures => V1.EjectionCause.ConsecutiveFailures,
        EjectionCause.SuccessRate => V1.EjectionCause.SuccessRate,
        EjectionCause.FailurePercent => V1.EjectionCause.FailurePercent,
        EjectionCause.Latency => V1.EjectionCause.Latency,
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "not a cause"),
    };
}
