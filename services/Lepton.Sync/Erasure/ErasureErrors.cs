using Grpc.Core;
using Lepton.ServiceDefaults;
using PlatformReason = Lepton.Platform.V1.ErrorReason;
using Reason = Lepton.Sync.V1.ErrorReason;

namespace Lepton.Sync.Erasure;

/// <summary>Every error that erasure and export give.</summary>
internal static class ErasureErrors
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(10);

    public static RpcException FieldInvalid(string field, string takes) => RpcErrors.FieldInvalid(field, takes);

    public static RpcException ErasureUnknown(string id) => RpcErrors.Create(
        StatusCode.NotFound, Reason.ErasureUnknown, $"There is no erasure {id}.");

    public static RpcException ErasureUnavailable(string id, IReadOnlyList<string> nodes) => RpcErrors.Create(
        StatusCode.Unavailable, Reason.ErasureUnavailable,
        $"How erasure {id} stands is known at {string.Join(" or ", nodes)}, which cannot be asked now.",
        new Dictionary<string, string> { ["nodes"] = string.Join(',', nodes) }, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException TooManyErasures(string message) => RpcErrors.Create(
        StatusCode.ResourceExhausted, Reason.Overloaded, message,
        new Dictionary<string, string> { ["limit"] = "Sync:Erasure:OpenMax" }, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException TooManyExports(int exportsMax) => RpcErrors.Create(
        StatusCode.ResourceExhausted, PlatformReason.TooManyStreams, $"{exportsMax} exports are under way.",
        new Dictionary<string, string> { ["limit"] = "Sync:Erasure:ExportsMax" }, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException RecordDamaged(string recordClass) => RpcErrors.Create(
        StatusCode.DataLoss, Reason.RecordDamaged, $"A record of class {recordClass} is damaged.");
}
