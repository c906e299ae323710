using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Resilience;

/// <summary>Whether a tenant may choose the strategy of its requests: Routing:TenantsMayChooseStrategy.</summary>
internal sealed class StrategyRight(IOptions<RoutingOptions> options)
{
    public const string Everybody = "*";

    private readonly FrozenSet<string> _tenants = options.Value.TenantsMayChooseStrategy
        .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .ToFrozenSet(StringComparer.Ordinal);

    public bool Has(string tenant) => _tenants.Contains(Everybody) || _tenants.Contains(tenant);
}
