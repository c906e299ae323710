using Grpc.Core;
using Lepton.Compliance.Client;

namespace Lepton.Compliance.Policies;

/// <summary>What an order of activation may say, given what is in force. Pure.</summary>
internal static class ActivationRules
{
    /// <summary>Why not; null: it may be published.</summary>
    /// <param name="now">In force.</param>
    /// <param name="next">The order.</param>
    /// <param name="known">What is known of each version that the order has; those there are not are absent.</param>
    /// <param name="pilotTimeMin">How long a pilot lasts at least.</param>
    /// <param name="time">Now.</param>
    public static RpcException? Refusal(
        ActivationOrder now, ActivationOrder next, IReadOnlyDictionary<long, PolicyRecord> known,
        TimeSpan pilotTimeMin, DateTimeOffset time)
    {
        if (next.Version <= now.Version)
            return PolicyErrors.OrderStale(next.Version, now.Version);
        foreach (var (version, policy) in next.Policies)
        {
            if (!known.TryGetValue(version, out var record))
                return PolicyErrors.Unknown(version);
            if (record.Digest != ResidencyPolicy.DigestOf(policy))
                return PolicyErrors.Changed(version);
            if (!record.IsApproved)
                return PolicyErrors.NotApproved(version, "is not approved");
            var said = next.Approvals[version]; // the reader saw that there is one
            if (said.IsSeed != record.IsSeed
                || (!record.IsSeed && (said.Author != record.Author || said.Approver != record.Approver)))
                return PolicyErrors.NotApproved(version, "was submitted or approved by others than the order says");
        }
        return Pilot(now, next, known, pilotTimeMin, time);
    }

    // A version that was everywhere once may be again at once: the way back is never longer than an order.
    private static RpcException? Pilot(
        ActivationOrder now, ActivationOrder next, IReadOnlyDictionary<long, PolicyRecord> known,
        TimeSpan pilotTimeMin, DateTimeOffset time)
    {
        var everywhere = next.Active[ActivationOrder.Everywhere];
        var record = known[everywhere];
        if (record.EverywhereTime is not null || record.IsSeed || now.Active[ActivationOrder.Everywhere] == everywhere)
            return null;
        if (!now.Active.Values.Contains(everywhere) || record.PilotTime is not { } begun)
            return PolicyErrors.PilotRequired(everywhere, "it is active in no pilot region");
        return time - begun < pilotTimeMin
            ? PolicyErrors.PilotRequired(everywhere, $"its pilot began at {begun:O} and lasts {pilotTimeMin} at least")
            : null;
    }
}
