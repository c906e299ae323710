using Grpc.Core;
using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>Refusals in their wire form.</summary>
internal static class RoleErrors
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public static RpcException Of(RoleOutcome.Refused refused) => RpcErrors.Create(
        refused.Reason switch
        {
            V1.ErrorReason.AssignmentUnknown => StatusCode.NotFound,
            V1.ErrorReason.SelfGrant or V1.ErrorReason.SecondPersonNeeded or V1.ErrorReason.ScopeNotHeld =>
                StatusCode.PermissionDenied,
            V1.ErrorReason.DutiesConflict or V1.ErrorReason.SeedProtected => StatusCode.FailedPrecondition,
            V1.ErrorReason.RolesFull => StatusCode.ResourceExhausted,
            V1.ErrorReason.RequestIdUsed => StatusCode.AlreadyExists,
            var other => throw new InvalidOperationException($"{other} is no refusal of a change of roles."),
        },
        refused.Reason, refused.Message, refused.Metadata);

    /// <summary>A broken dependency; null: it is something else.</summary>
    public static RpcException? Of(Exception e) => e switch
    {
        RolesUnavailableException => RpcErrors.Create(StatusCode.Unavailable, V1.ErrorReason.RolesUnavailable,
            e.Message, null, RpcErrors.RetryAfter(Pause)),
        RolesDamagedException => RpcErrors.Create(
            StatusCode.FailedPrecondition, V1.ErrorReason.RolesDamaged, e.Message),
        RolesBusyException => RpcErrors.Create(StatusCode.ResourceExhausted, V1.ErrorReason.Overloaded,
            "As many changes of roles wait as may.",
            new Dictionary<string, string> { ["limit"] = $"{RoleOptions.Section}:{nameof(RoleOptions.WaitingMax)}" },
            RpcErrors.RetryAfter(Pause)),
        AuditUnavailableException => RpcErrors.Create(StatusCode.Unavailable, Platform.V1.ErrorReason.AuditUnavailable,
            $"Nothing was done, because it could not be written to the audit log: {e.Message}", null,
            RpcErrors.RetryAfter(Pause)),
        _ => null,
    };
}
