using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;
using Lepton.Routing.Balancing;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>Makes the signed assertion that goes with each forwarded request.</summary>
internal sealed class HopAssertions(HopSigner signer, Topology topology, TimeProvider time)
{
    // It bounds the start of the work, not its length: connections, queues and skewed clocks fit in.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    public string For(GatewayCall call, Candidate to, int attempt) =>
        For(call, to.IsRegion ? $"router/{to.Region}" : to.Node, attempt);

    public string For(GatewayCall call, string audience, int attempt)
    {
        DateTimeOffset now = time.GetUtcNow();
        HopAssertion assertion = new()
        {
            Principal = call.Head.Principal,
            Tenant = call.Head.Tenant,
            DataClass = call.Class.Name,
            DecisionId = call.Draft.Id,
            Attempt = (uint)attempt,
            Hops = call.Head.Origin is null ? 1u : 2u,
            Audience = audience,
            Model = call.Draft.Model,
            IssueTime = now.ToTimestamp(),
            ExpireTime = (now + Lifetime).ToTimestamp(),
            Deadline = call.Deadline.ToTimestamp(),
            PolicyVersion = topology.Policy.Version.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Regulated = call.Class.Regulated,
            Priority = call.Head.Priority,
        };
        assertion.AllowedRegions.AddRange(call.Class.Regions);
        return signer.Sign(assertion);
    }
}
