using Grpc.Core;
using OpenInference;

namespace Lepton.Inference.Serving;

/// <summary>What Triton's contract has and a node does not offer, with the reason.</summary>
internal sealed partial class InferenceService
{
    private const string Elsewhere = "clients and nodes are on different machines; send contents in the message";
    private const string Otel = "traces go to OpenTelemetry, by the node's configuration";
    private const string Logs = "log levels are the node's configuration, not a caller's choice";

    public override Task<SystemSharedMemoryStatusResponse> SystemSharedMemoryStatus(
        SystemSharedMemoryStatusRequest request, ServerCallContext context) => throw NotOffered(context, Elsewhere);

    public override Task<SystemSharedMemoryRegisterResponse> SystemSharedMemoryRegister(
        SystemSharedMemoryRegisterRequest request, ServerCallContext context) => throw NotOffered(context, Elsewhere);

    public override Task<SystemSharedMemoryUnregisterResponse> SystemSharedMemoryUnregister(
        SystemSharedMemoryUnregisterRequest request, ServerCallContext context) => throw NotOffered(context, Elsewhere);

    public override Task<CudaSharedMemoryStatusResponse> CudaSharedMemoryStatus(
        CudaSharedMemoryStatusRequest request, ServerCallContext context) => throw NotOffered(context, Elsewhere);

    public override Task<CudaSharedMemoryRegisterResponse> CudaSharedMemoryRegister(
        CudaSharedMemoryRegisterRequest request, ServerCallContext context) => throw NotOffered(context, Elsewhere);

    public override Task<CudaSharedMemoryUnregisterResponse> CudaSharedMemoryUnregister(
        CudaSharedMemoryUnregisterRequest request, ServerCallContext context) => throw NotOffered(context, Elsewhere);

    public override Task<TraceSettingResponse> TraceSetting(TraceSettingRequest request, ServerCallContext context) =>
        throw NotOffered(context, Otel);

    public override Task<LogSettingsResponse> LogSettings(LogSettingsRequest request, ServerCallContext context) =>
        throw NotOffered(context, Logs);

    private static RpcException NotOffered(ServerCallContext context, string why) =>
        InferenceErrors.NotOffered(context.Method[(context.Method.LastIndexOf('/') + 1)..], why);
}
