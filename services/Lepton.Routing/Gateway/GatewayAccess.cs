using Lepton.Platform.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Who may call what of the Open Inference Protocol at a gateway. Other regions' routers send on work.
/// </summary>
internal static class GatewayAccess
{
    private const string Routers = "routing";

    public static IReadOnlyDictionary<string, AccessRule> Rules { get; } =
        OpenInference.GRPCInferenceService.Descriptor.Methods.ToDictionary(AccessRules.PathOf, m => Rule(m.Name));

    private static AccessRule Rule(string method) => method switch
    {
        "ServerLive" or "ServerReady" => AccessRule.ForAnyone,
        "ModelInfer" or "ModelStreamInfer" => AccessRule.For(Permission.Infer, Routers),
        "RepositoryModelLoad" or "RepositoryModelUnload" => AccessRule.For(Permission.ModelsManage, Routers)
            .About("models/{model_name}"),
        // Not offered, which whoever sees models may hear.
        "SystemSharedMemoryRegister" or "SystemSharedMemoryUnregister" or "CudaSharedMemoryRegister"
            or "CudaSharedMemoryUnregister" or "SystemSharedMemoryStatus" or "CudaSharedMemoryStatus"
            or "TraceSetting" or "LogSettings" => AccessRule.For(Permission.ModelsRead, Routers),
        "ServerMetadata" or "ModelReady" or "ModelMetadata" or "ModelConfig" or "ModelStatistics"
            or "RepositoryIndex" => AccessRule.For(Permission.ModelsRead, Routers),
        _ => throw new InvalidOperationException($"Nobody has said who may call {method}."),
    };
}
