using Lepton.ServiceDefaults;
using OpenInference;
using Xds.Service.Orca.V3;

namespace Lepton.Inference.Serving;

/// <summary>
/// Who may call a node: routers, with a hop assertion (<see cref="HopGuard"/>); its load is for services.
/// </summary>
internal static class NodeAccess
{
    public static IReadOnlyDictionary<string, AccessRule> Rules { get; } = GRPCInferenceService.Descriptor.Methods
        .Select(method => (Path: AccessRules.PathOf(method), Rule: AccessRule.ForServices("routing")))
        .Concat(OpenRcaService.Descriptor.Methods.Select(
            method => (Path: AccessRules.PathOf(method), Rule: AccessRule.ForServices("*"))))
        .ToDictionary(r => r.Path, r => r.Rule);
}
