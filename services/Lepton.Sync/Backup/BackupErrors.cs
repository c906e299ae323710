using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.V1;

namespace Lepton.Sync.Backup;

/// <summary>Every RpcException of BackupService.</summary>
internal static class BackupErrors
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    public static RpcException FieldInvalid(string field, string takes) => RpcErrors.FieldInvalid(field, takes);

    public static RpcException Off() => RpcErrors.Create(
        StatusCode.FailedPrecondition, ErrorReason.BackupsOff,
        "This node makes no backups: Sync:Backup:Enabled is false.");

    public static RpcException Unknown(string id) => RpcErrors.Create(
        StatusCode.NotFound, ErrorReason.BackupUnknown, $"There is no backup {id}.");

    public static RpcException Damaged(string id, string why) => RpcErrors.Create(
        StatusCode.DataLoss, ErrorReason.BackupDamaged, $"The backup {id} cannot be verified: {why}");

    public static RpcException StoreUnavailable(string why) => RpcErrors.Create(
        StatusCode.Unavailable, ErrorReason.BackupStoreUnavailable, why, null, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException Overloaded() => RpcErrors.Create(
        StatusCode.ResourceExhausted, ErrorReason.Overloaded,
        "More backups and verifications wait than this node holds.",
        new Dictionary<string, string> { ["limit"] = "8 jobs" }, RpcErrors.RetryAfter(RetryDelay));
}
