using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;
using Lepton.Routing.Balancing;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>Makes the assertion that goes with each forwarded request.</summary>
internal sealed class HopAssertions(HopSigner signer, HopSealer sealer, TimeProvider time)
{
    // It bounds the start of the work, not its length: connections, queues and skewed clocks fit in.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    // Written and read within one call: one message a thread instead of one a request.
    [ThreadStatic]
    private static HopAssertion? _scratch;

    /// <summary>Sealed under the receiver's grant: for everything that is forwarded.</summary>
    public SealedHop For(GatewayCall call, Candidate to, int attempt)
    {
        HopAssertion assertion = _scratch ??= New();
        string audience = to.IsRegion ? $"router/{to.Region}" : to.Node;
        Fill(assertion, call, audience, attempt);
        int size = assertion.CalculateSize();
        Span<byte> claims = size <= 2048 ? stackalloc byte[size] : new byte[size];
        assertion.WriteTo(claims);
        return sealer.Seal(audience, claims);
    }

    /// <summary>Signed by itself: for the few calls that go to all nodes.</summary>
    public string Signed(GatewayCall call, string node)
    {
        HopAssertion assertion = New();
        Fill(assertion, call, node, attempt: 1);
        return signer.Sign(assertion);
    }

    private static HopAssertion New() =>
        new() { IssueTime = new Timestamp(), ExpireTime = new Timestamp(), Deadline = new Timestamp() };

    // Every field is set each time: nothing of a former request stays.
    private void Fill(HopAssertion assertion, GatewayCall call, string audience, int attempt)
    {
        DateTimeOffset now = time.GetUtcNow();
        assertion.Principal = call.Head.Principal;
        assertion.Tenant = call.Head.Tenant;
        assertion.DataClass = call.Class.Name;
        assertion.AllowedRegions.Clear();
        assertion.AllowedRegions.AddRange(call.Class.Regions);
        assertion.DecisionId = call.Draft.Id;
        assertion.Attempt = (uint)attempt;
        assertion.Hops = call.Head.Origin is null ? 1u : 2u;
        assertion.Audience = audience;
        assertion.Model = call.Draft.Model;
        Set(assertion.IssueTime, now);
        Set(assertion.ExpireTime, now + Lifetime);
        Set(assertion.Deadline, call.Deadline);
        assertion.PolicyVersion = call.Draft.Policy.VersionText;
        assertion.Regulated = call.Class.Regulated;
        assertion.Priority = call.Head.Priority;
    }

    private static void Set(Timestamp to, DateTimeOffset time)
    {
        long ticks = (time - DateTimeOffset.UnixEpoch).Ticks;
        to.Seconds = ticks / TimeSpan.TicksPerSecond;
        to.Nanos = (int)(ticks % TimeSpan.TicksPerSecond) * 100;
    }
}
