using System.Globalization;
using Google.Rpc;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Routing.Regions;
using Lepton.Routing.Resilience;
using Lepton.Routing.Tenants;
using Lepton.ServiceDefaults;
using PlatformReason = Lepton.Platform.V1.ErrorReason;
using Reason = Lepton.Routing.V1.ErrorReason;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Every error that a router gives, made here and nowhere else. They are values until the edge writes them.
/// </summary>
internal static class GatewayErrors
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public static RpcException TenantUnknown(string tenant) => RpcErrors.Create(StatusCode.PermissionDenied,
        Reason.TenantUnknown, $"The residency policy does not name tenant '{tenant}', and denies it therefore.");

    public static RpcException CallerNotAllowed(string caller) => RpcErrors.Create(StatusCode.PermissionDenied,
        PlatformReason.CallerNotAllowed, $"{caller} may not call the gateway; tenants and other regions' routers may.");

    public static RpcException DataClassUnknown(string dataClass, ResidencyPolicy policy)
    {
        string takes = $"takes a data class of policy version {policy.Version}: "
            + string.Join(", ", policy.DataClasses.Select(c => c.Name));
        return RpcErrors.Create(StatusCode.InvalidArgument, Reason.DataClassUnknown,
            $"{Headers.DataClass} {takes}; not '{Clip(dataClass)}'.", null,
                RpcErrors.BadField(Headers.DataClass, takes));
    }

    public static RpcException ModelNotNamed(string model) => RpcErrors.Create(StatusCode.NotFound, Reason.ModelUnknown,
        $"The residency policy names neither model '{Clip(model)}' nor a floor for models it does not name.");

    /// <summary>What is wrong with a whole message's model name; null: nothing.</summary>
    public static RpcException? Fault(in ModelNamePeek peek) => peek.Status switch
    {
        PeekStatus.Complete => null,
        PeekStatus.Incomplete => MessageMalformed("ends within a field"),
        _ => MessageMalformed(peek.Fault),
    };

    public static RpcException NoRegionAllowed(
        Topology topology, ResidencyPolicy policy, EffectiveClass dataClass, string tenant, string model) =>
        RpcErrors.Create(StatusCode.FailedPrecondition, Reason.NoRegionAllowed,
            $"No region may process class '{dataClass.Name}' for tenant '{tenant}'"
            + (model.Length > 0 ? $" and model '{Clip(model)}'." : "."),
            WithRule(new() { ["data_class"] = dataClass.Name }, topology, policy, dataClass), new PreconditionFailure
            {
                Violations =
                {
                    new PreconditionFailure.Types.Violation
                    {
                        Type = "RESIDENCY", Subject = dataClass.Name,
                            Description = "The classes' regions have none in common.",
                    },
                },
            });

    /// <summary>This gateway may not read the request: names those that may, for people and for programs.</summary>
    public static RpcException GatewayNotAllowed(
        Topology topology, ResidencyPolicy policy, EffectiveClass dataClass)
    {
        PreconditionFailure failure = new();
        Dictionary<string, string> metadata = new()
        {
            ["data_class"] = dataClass.Name, ["gateway_region"] = topology.Own,
        };
        List<string> allowed = [];
        foreach (RegionSite region in topology.Regions.Where(r => dataClass.Allows(r.Name)))
        {
            string[] urls = [.. region.Routers.Select(r => r.Gateway)];
            allowed.Add($"{region.Name} ({string.Join(", ", urls)})");
            metadata[$"allowed_gateway.{region.Name}"] = string.Join(',', urls);
            failure.Violations.AddRange(urls.Select(url => new PreconditionFailure.Types.Violation
            {
                Type = "GATEWAY", Subject = region.Name, Description = url,
            }));
        }
        string where = allowed.Count > 0 ? string.Join(", ", allowed) : "none of this topology";
        return RpcErrors.Create(StatusCode.FailedPrecondition, Reason.GatewayNotAllowed,
            $"The gateway in {topology.Own} may not read class '{dataClass.Name}'; allowed gateways: {where}.",
            WithRule(metadata, topology, policy, dataClass), failure);
    }

    // Which rule of which law keeps it out of this region, and by which version of the policy (C3, R5).
    private static Dictionary<string, string> WithRule(
        Dictionary<string, string> metadata, Topology topology, ResidencyPolicy policy, EffectiveClass dataClass)
    {
        if (policy.Explain(dataClass.Name, Purpose.Inference, topology.Own) is { IsAllowed: false } answer)
        {
            metadata["rule_id"] = answer.RuleId;
            metadata["rule_source"] = answer.Source;
        }
        metadata["policy_version"] = policy.VersionText;
        return metadata;
    }

    public static RpcException ModelUnknown(string model, string version) => RpcErrors.Create(StatusCode.NotFound,
        Reason.ModelUnknown, version.Length == 0
            ? $"No allowed region knows model '{Clip(model)}'."
            : $"No allowed region knows model '{Clip(model)}' in version '{Clip(version)}'.");

    public static RpcException NoNodeAvailable(string model, IReadOnlyList<string> regions) => RpcErrors.Create(
        StatusCode.Unavailable, Reason.NoNodeAvailable,
        $"No live node for model '{Clip(model)}' in the allowed regions ({string.Join(", ", regions)}) now.",
        null, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException ForwardingFailed(string where, int attempts) => RpcErrors.Create(StatusCode.Unavailable,
        Reason.ForwardingFailed,
            $"The connection to {where} failed after {attempts} attempt(s); no other allowed place is left.",
        null, RpcErrors.RetryAfter(RetryDelay));

    /// <summary>The place failed and may not be followed by another: too many were lately.</summary>
    public static RpcException RetryBudgetSpent(string where, Failure cause) => RpcErrors.Create(
        cause == Failure.Full ? StatusCode.ResourceExhausted : StatusCode.Unavailable, Reason.RetryBudgetSpent,
        $"{where} failed, and the model's retries are spent.",
        new Dictionary<string, string> { ["cause"] = cause.ToString() }, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException StrategyNotAllowed(string tenant, string strategy) => RpcErrors.Create(
        StatusCode.PermissionDenied, Reason.StrategyNotAllowed,
        $"Tenant '{tenant}' may not choose strategy {strategy}: leave {Headers.Strategy} out.",
        new Dictionary<string, string> { ["term"] = "strategies" });

    public static RpcException TermNotAllowed(string tenant, string header, string value, string term) =>
        RpcErrors.Create(StatusCode.PermissionDenied, Reason.TermNotAllowed,
            $"Tenant '{tenant}' may not send '{Clip(value)}' in {header}.",
            new Dictionary<string, string> { ["term"] = term });

    public static RpcException QuotaSpent(string tenant, QuotaRefusal spent) => RpcErrors.Create(
        StatusCode.ResourceExhausted, Reason.TenantQuotaSpent,
        $"Tenant '{tenant}' has spent its {spent.Term} in this region.",
        new Dictionary<string, string> { ["limit"] = spent.Term }, RpcErrors.RetryAfter(spent.RetryAfter),
        new QuotaFailure
        {
            Violations =
            {
                new QuotaFailure.Types.Violation { Subject = $"tenant:{tenant}", Description = spent.Term },
            },
        });

    // Not UNAVAILABLE: clients ask again by themselves then, and this must not run twice.
    public static RpcException OutcomeUnknown(string where, string model) => RpcErrors.Create(StatusCode.Unknown,
        Reason.OutcomeUnknown, $"{where} failed while it had the request. Model '{Clip(model)}' is declared not "
            + "idempotent: it may have run, and was not sent again.");

    /// <param name="limit">The option that bounds what is full.</param>
    /// <param name="delay">To be waited before it is sent again.</param>
    public static RpcException Overloaded(string limit, TimeSpan delay) => RpcErrors.Create(
        StatusCode.ResourceExhausted, Reason.Overloaded,
        $"More is asked than can be answered in time (limit: {limit}): not sent.",
        new Dictionary<string, string> { ["limit"] = limit }, RpcErrors.RetryAfter(delay));

    public static RpcException DeadlineTooShort(TimeSpan left) => RpcErrors.Create(StatusCode.DeadlineExceeded,
        Reason.DeadlineTooShort, string.Create(CultureInfo.InvariantCulture,
            $"{Math.Max(0, left.TotalMilliseconds):0.###} ms are left, less than any place takes: not sent."));

    public static RpcException AuditUnavailable() => RpcErrors.Create(StatusCode.Unavailable,
        PlatformReason.AuditUnavailable, "The audit log cannot be written, and this data class is regulated: refused.",
        null, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException DecisionLogUnavailable() => RpcErrors.Create(StatusCode.Unavailable,
        Reason.DecisionLogUnavailable, "The decision cannot be recorded, and this data class is regulated: refused.",
        null, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException PolicyTooOld(string dataClass, ResidencyPolicy policy) => RpcErrors.Create(
        StatusCode.Unavailable, Reason.PolicyTooOld,
        $"Class '{dataClass}' is regulated, and whether policy version {policy.Version} still holds has not been known "
        + "here for too long: refused.", null, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException DecisionUnknown(string id) => RpcErrors.Create(StatusCode.NotFound,
        Reason.DecisionUnknown, $"No decision '{Clip(id)}' here, or it is another tenant's.");

    public static RpcException NodeUnknown(string node, string region) => RpcErrors.Create(StatusCode.NotFound,
        Reason.NodeUnknown, $"{region} has no node '{Clip(node)}' now.",
        new Dictionary<string, string> { ["node"] = Clip(node) });

    public static RpcException NodeSilent(string node, TimeSpan waited) => RpcErrors.Create(StatusCode.Unavailable,
        Reason.NodeSilent, $"Node '{node}' did not follow within {waited.TotalSeconds:0} s; it may follow yet.",
        new Dictionary<string, string> { ["node"] = node }, RpcErrors.RetryAfter(RetryDelay));

    public static RpcException DecisionUnreachable(string region, string why) =>
        RpcErrors.Create(StatusCode.Unavailable,
        Reason.ForwardingFailed, $"The decision was made in {region}, and {why}.", null,
            RpcErrors.RetryAfter(RetryDelay));

    public static RpcException MetadataInvalid(string key, string takes) => RpcErrors.Create(StatusCode.InvalidArgument,
        Reason.MetadataInvalid, $"{key} {takes}.", null, RpcErrors.BadField(key, takes));

    public static RpcException MessageMalformed(string why) => RpcErrors.Create(StatusCode.InvalidArgument,
        Reason.MessageMalformed, $"The request message {why}.");

    public static RpcException MessageTooLarge(long bytes, int max) => RpcErrors.Create(StatusCode.ResourceExhausted,
        PlatformReason.MessageTooLarge, $"The message has {bytes} bytes; {max} are taken.",
        new Dictionary<string, string> { ["limit_bytes"] = max.ToString(CultureInfo.InvariantCulture) });

    public static RpcException EncodingNotOffered(string encoding) => RpcErrors.Create(StatusCode.Unimplemented,
        Reason.EncodingNotOffered, $"Compressed requests ('{Clip(encoding)}') are not taken here; send identity.");

    public static RpcException MethodNotOffered(string method, string why) => RpcErrors.Create(StatusCode.Unimplemented,
        PlatformReason.FeatureNotOffered, $"{method} is not offered: {why}.");

    public static RpcException HopInvalid(string why) => RpcErrors.Create(StatusCode.Unauthenticated,
        PlatformReason.HopAssertionInvalid, why);

    public static RpcException TooManyHops() => RpcErrors.Create(StatusCode.FailedPrecondition, Reason.TooManyHops,
        "The request came over two routers already.");

    public static RpcException FieldInvalid(string field, string takes) => RpcErrors.FieldInvalid(field, takes);

    public static RpcException PageTokenInvalid() => RpcErrors.Create(StatusCode.InvalidArgument,
        Reason.PageTokenInvalid, "page_token is not one of this listing's; start again without one.", null,
        RpcErrors.BadField("page_token", "takes the next_page_token of the last answer"));

    public static RpcException DeadlineExceeded() => RpcErrors.Create(StatusCode.DeadlineExceeded,
        PlatformReason.DeadlineExceeded, "The deadline passed.");

    public static RpcException Cancelled() => RpcErrors.Create(StatusCode.Cancelled, PlatformReason.Cancelled,
        "The caller cancelled.");

    public static RpcException Stopping() => RpcErrors.Create(StatusCode.Unavailable, PlatformReason.Stopping,
        "This router leaves service; what it answered is complete. Go on with another gateway.", null,
        RpcErrors.RetryAfter(RetryDelay));

    public static RpcException Internal() =>
        RpcErrors.Create(StatusCode.Internal, PlatformReason.Internal, "Internal error.");

    public static RpcException FanOutIncomplete(
        StatusCode code, IReadOnlyDictionary<string, string> failed, int total)
    {
        string nodes = string.Join(", ", failed.Select(f => $"{f.Key} ({f.Value})"));
        return RpcErrors.Create(code, Reason.FanOutIncomplete,
            $"{failed.Count} of {total} nodes did not follow: {nodes}.", failed);
    }

    // What came from outside goes back shortened.
    private static string Clip(string text) => text.Length <= 100 ? text : text[..100] + "…";
}
