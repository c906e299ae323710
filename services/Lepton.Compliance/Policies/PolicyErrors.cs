using System.Globalization;
using Google.Rpc;
using Grpc.Core;
using Lepton.Compliance.Client.Law;
using Lepton.Compliance.V1;
using PolicyReport = Lepton.Compliance.Client.Law.PolicyReport;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Policies;

/// <summary>Every error of policies, with its reason of errors.proto.</summary>
internal static class PolicyErrors
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public static RpcException FieldInvalid(string field, string takes) => RpcErrors.FieldInvalid(field, takes);

    public static RpcException Unknown(long version) => RpcErrors.Create(StatusCode.NotFound,
        ErrorReason.PolicyUnknown, $"There is no policy of version {version}.", Version(version));

    public static RpcException SignatureInvalid(string why) => RpcErrors.Create(StatusCode.InvalidArgument,
        ErrorReason.PolicySignatureInvalid, $"jws {why}", null, RpcErrors.BadField("jws", "takes what the "
            + "installation's signer signed for this record"));

    public static RpcException CheckFailed(PolicyReport report)
    {
        PreconditionFailure failure = new();
        failure.Violations.AddRange(report.Problems.Take(20).Select(p => new PreconditionFailure.Types.Violation
        {
            Type = p.Stage.ToUpperInvariant(), Subject = p.Name, Description = RpcErrors.Clip(p.Message),
        }));
        return RpcErrors.Create(StatusCode.FailedPrecondition, ErrorReason.PolicyCheckFailed,
            $"The policy has {report.Problems.Count} problem(s); the first: {report.Problems[0].Name}: "
            + report.Problems[0].Message, null, failure);
    }

    public static RpcException VersionTaken(long version) => RpcErrors.Create(StatusCode.AlreadyExists,
        ErrorReason.PolicyVersionTaken,
        $"Policy {version} is there with another content, or an older one than those there are: count version up.",
        Version(version));

    public static RpcException OwnApproval(long version) => RpcErrors.Create(StatusCode.PermissionDenied,
        ErrorReason.OwnApproval, $"Policy {version} is your own: nobody approves their own.", Version(version));

    public static RpcException Changed(long version) => RpcErrors.Create(StatusCode.Aborted,
        ErrorReason.PolicyChanged, $"That is not the digest of policy {version}, or it changed meanwhile: look again.",
        Version(version));

    public static RpcException NotApproved(long version, string why) => RpcErrors.Create(
        StatusCode.FailedPrecondition, ErrorReason.PolicyNotApproved, $"Policy {version} {why}.", Version(version));

    public static RpcException PilotRequired(long version, string why) => RpcErrors.Create(
        StatusCode.FailedPrecondition, ErrorReason.PilotRequired,
        $"Policy {version} may not be active everywhere yet: {why}.", Version(version));

    public static RpcException OrderStale(long order, long now) => RpcErrors.Create(StatusCode.Aborted,
        ErrorReason.OrderStale, $"Order {order} does not follow the one in force, {now}: ask and sign anew.",
        new Dictionary<string, string> { ["order"] = now.ToString(CultureInfo.InvariantCulture) });

    public static RpcException RecordsUnavailable(string why) => RpcErrors.Create(StatusCode.Unavailable,
        ErrorReason.RecordsUnavailable, why, null, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException AuditUnavailable(string why) => RpcErrors.Create(StatusCode.Unavailable,
        ErrorReason.AuditUnavailable, $"Nothing was done: {why}", null, RpcErrors.RetryAfter(RetryDelay));

    private static Dictionary<string, string> Version(long version) =>
        new() { ["policy_version"] = version.ToString(CultureInfo.InvariantCulture) };
}
