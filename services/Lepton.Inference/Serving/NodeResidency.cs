using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Hop.V1;
using Lepton.Inference.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Serving;

/// <summary>Residency once more where the work is done: by the assertion and by the node's own policy.</summary>
internal sealed class NodeResidency(ControlRecord<ResidencyPolicy> record, IOptions<ServiceOptions> place)
{
    /// <summary>Why this node may not do the work for this model; null: it may.</summary>
    public RpcException? Refusal(HopAssertion assertion, string model)
    {
        var region = place.Value.Region;
        var policy = record.Current; // one for the whole answer
        var why = !assertion.AllowedRegions.Contains(region)
            ? "the assertion does not allow it"
            : policy.Decide(assertion.Tenant, model, assertion.DataClass) switch
            {
                ResidencyVerdict.Known { Class: var known } when known.Allows(region) => null,
                ResidencyVerdict.Known => "this node's policy does not allow it",
                ResidencyVerdict.UnknownTenant => "this node's policy does not know the tenant",
                ResidencyVerdict.UnknownClass => "this node's policy does not know the data class",
                _ => "this node's policy does not know the model",
            };
        return why is null ? null : RpcErrors.Create(StatusCode.FailedPrecondition, ErrorReason.RegionNotAllowed,
            $"Region {region} may not process data of class {assertion.DataClass}: {why}.",
            new Dictionary<string, string>
            {
                ["region"] = region,
                ["data_class"] = assertion.DataClass,
                ["policy_version"] = policy.VersionText,
                ["decision_id"] = assertion.DecisionId,
                ["rule_id"] = policy.Explain(assertion.DataClass, Purpose.Inference, region)?.RuleId ?? "",
            });
    }
}
