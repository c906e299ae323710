using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Gateway;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Tenants;

/// <summary>Whether a tenant's terms have what its request asks for.</summary>
internal sealed class TenantRights(AccessFile access)
{
    /// <summary>Null: it may.</summary>
    /// <param name="tenant">Whose request it is.</param>
    /// <param name="priority"><c>realtime</c> or <c>batch</c>.</param>
    /// <param name="strategy">What it names; null: none.</param>
    /// <param name="tags">The header: <c>key=value</c>, separated by commas; empty: none.</param>
    public RpcException? Fault(string tenant, string priority, IBalancingStrategy? strategy, ReadOnlySpan<char> tags)
    {
        TenantTerms terms = access.Current.TermsOf(tenant);
        if (strategy is not null && !terms.AllowsStrategy(strategy.Name))
            return GatewayErrors.StrategyNotAllowed(tenant, strategy.Name);
        if (!terms.AllowsPriority(priority))
            return GatewayErrors.TermNotAllowed(tenant, Headers.Priority, priority, "priorities");
        if (terms.AllowsTag("*")) // any
            return null;
        foreach (Range range in tags.Split(','))
        {
            ReadOnlySpan<char> tag = tags[range].Trim();
            ReadOnlySpan<char> key = tag.IndexOf('=') is >= 0 and var end ? tag[..end].Trim() : tag;
            if (key.Length > 0 && !terms.AllowsTag(key.ToString()))
                return GatewayErrors.TermNotAllowed(tenant, Headers.Tags, key.ToString(), "tags");
        }
        return null;
    }
}
