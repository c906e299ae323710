using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Routing.Decisions;

namespace Lepton.Routing.Gateway;

/// <summary>Residency before anything else: may this gateway read the request, and who may serve it.</summary>
internal static class Admission
{
    /// <summary>The effective class, or why the request is refused.</summary>
    /// <param name="topology">Where we are.</param>
    /// <param name="draft">Tenant and class asked for, and by which policy; takes the effective class.</param>
    /// <param name="model">The model, or null while only the headers are known.</param>
    /// <param name="origin">The regions that the origin's assertion allows: ours can only narrow them.</param>
    public static (EffectiveClass? Class, RpcException? Error) Admit(
        Topology topology, DecisionDraft draft, string? model, RegionSet? origin)
    {
        switch (draft.Policy.Decide(draft.Tenant, model, draft.AskedClass))
        {
            case ResidencyVerdict.UnknownTenant unknown:
                return (null, GatewayErrors.TenantUnknown(unknown.Tenant));
            case ResidencyVerdict.UnknownClass unknown:
                return (null, GatewayErrors.DataClassUnknown(unknown.DataClass, draft.Policy));
            case ResidencyVerdict.UnknownModel unknown:
                return (null, GatewayErrors.ModelNotNamed(unknown.Model));
            case ResidencyVerdict.Known known:
                draft.Class = origin is { } set ? Narrow(draft.Policy, known.Class, set) : known.Class;
                return Check(topology, draft, draft.Class, model);
            default:
                throw new InvalidOperationException("unknown verdict");
        }
    }

    private static (EffectiveClass?, RpcException?) Check(
        Topology topology, DecisionDraft draft, EffectiveClass known, string? model)
    {
        if (known.Set.IsEmpty)
            return (null, GatewayErrors.NoRegionAllowed(topology, draft.Policy, known, draft.Tenant, model ?? ""));
        if (!known.Set.Contains(topology.OwnIndex))
            return (null, GatewayErrors.GatewayNotAllowed(topology, draft.Policy, known));
        return known.Regulated && topology.IsPolicyTooOld
            ? (null, GatewayErrors.PolicyTooOld(known.Name, draft.Policy))
            : (known, null);
    }

    private static EffectiveClass Narrow(ResidencyPolicy policy, EffectiveClass known, RegionSet origin)
    {
        RegionSet set = known.Set.And(origin);
        return set == known.Set
            ? known
            : known with { Set = set,
                Regions = [.. known.Regions.Where(r => set.Contains(policy.IndexOf(r)))] };
    }
}
