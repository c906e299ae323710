using Grpc.Core;

namespace Lepton.Routing.Health;

/// <summary>What statuses, exceptions and silence say of a place. The one place that knows; pure.</summary>
internal static class OutcomeRules
{
    // A caller's short deadline is no place's fault: silence counts from here on...
    private static readonly TimeSpan SilenceMin = TimeSpan.FromSeconds(1);

    // ... and only when it lasted this many times what the slow answers there take.
    private const double SilenceFactor = 5;

    /// <summary>Of the status that a place answered with.</summary>
    public static Outcome Of(StatusCode status) => status switch
    {
        StatusCode.OK => Outcome.Good,
        StatusCode.ResourceExhausted => Outcome.Overloaded,
        // UNAUTHENTICATED too: our hop assertion was refused (a wrong clock or key there); the caller passed before.
        StatusCode.Unavailable or StatusCode.Internal or StatusCode.Unknown or StatusCode.DataLoss
            or StatusCode.Unauthenticated => Outcome.Failed,
        // The caller's clock (the deadline is passed on), the caller's message, or the policy.
        _ => Outcome.Unjudged,
    };

    /// <summary>Of what was thrown while a place was asked or answered; not for a cancellation of our own.</summary>
    public static Outcome Of(Exception exception) =>
        exception is IOException ? Outcome.Unreachable : Outcome.Unjudged;

    /// <summary>Of a place that has not sent a byte of its answer when its time was up.</summary>
    /// <param name="waited">Since the request was sent.</param>
    /// <param name="expectedSeconds">Round trip and peak service time there.</param>
    public static Outcome OfSilence(TimeSpan waited, double expectedSeconds) =>
        waited >= SilenceMin && waited.TotalSeconds >= SilenceFactor * expectedSeconds
            ? Outcome.TimedOut
            : Outcome.Unjudged;
}
