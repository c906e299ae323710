using System.Text;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Sync.Client;
using Lepton.Sync.Homes;
using Lepton.Testing;

namespace Lepton.Sync.Tests.Homes;

/// <summary>S6: a node follows the policy's floors, but none by which the next could not be published.</summary>
public sealed class TenantPolicyTests
{
    private static readonly string[] Regions = ["us-east", "eu-west"];
    private static readonly string File = MetricList.RepositoryFile("deploy/residency.json");

    [Fact]
    public void Take_NextPolicy_HasItsFloors()
    {
        ControlRecord<ResidencyPolicy> policy = TenantPolicy.Load(File, Regions);

        Take(policy, "\"demo\":{\"floor\":\"public\"}", "\"demo\":{\"floor\":\"us-health\"}");

        Assert.Equal("us-health", policy.Current.TenantFloor("demo")?.Name);
    }

    [Theory]
    [InlineData("\"platform\":{\"floor\":\"public\"},", "")]
    [InlineData("\"platform\":{\"floor\":\"public\"},", "\"platform\":{\"floor\":\"us-health\"},")]
    public void Take_NobodyCouldPublishTheNext_IsRefused(string what, string by)
    {
        ControlRecord<ResidencyPolicy> policy = TenantPolicy.Load(File, Regions);
        long before = policy.Version;

        ControlContentException e = Assert.Throws<ControlContentException>(() => Take(policy, what, by));

        Assert.Contains("tenants.platform.floor takes a class of all of Sync's regions (us-east, eu-west)", e.Message,
            StringComparison.Ordinal);
        Assert.Equal(before, policy.Version);
    }

    private static void Take(ControlRecord<ResidencyPolicy> policy, string what, string by)
    {
        string now = Encoding.UTF8.GetString(PolicyBundle.Load(File).Span),
            next = now.Replace(what, by, StringComparison.Ordinal);
        Assert.NotEqual(now, next);
        long version = policy.Version + 1;
        next = next.Replace($"\"version\":{version - 1}", $"\"version\":{version}", StringComparison.Ordinal);
        policy.Take(new SignedContent(
            policy.Key, version, DateTimeOffset.UnixEpoch, Encoding.UTF8.GetBytes(next), default));
    }
}
