using Lepton.Compliance.Client;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing;

/// <summary>The regions and the residency policy in force: fixed from the start of this process.</summary>
internal sealed class Topology
{
    public Topology(string own, IReadOnlyList<RoutingOptions.RegionOptions> regions, ResidencyPolicy policy)
    {
        Own = own;
        Policy = policy;
        Regions = [.. regions.OrderBy(r => r.Name, StringComparer.Ordinal)];
        OwnIndex = policy.IndexOf(own);
    }

    /// <summary>The router's own region.</summary>
    public string Own { get; }

    /// <summary>Its index in the policy's sets.</summary>
    public int OwnIndex { get; }

    public ResidencyPolicy Policy { get; }

    /// <summary>Every region, by name.</summary>
    public IReadOnlyList<RoutingOptions.RegionOptions> Regions { get; }

    public static Topology Load(IOptions<ServiceOptions> service, IOptions<RoutingOptions> routing,
        IConfiguration configuration)
    {
        string own = service.Value.Region;
        if (!routing.Value.Regions.Any(r => r.Name == own))
            throw new OptionsValidationException(RoutingOptions.Section, typeof(RoutingOptions),
                [$"Routing:Regions takes every region, the own one ({own}) too."]);
        string path = configuration["Lepton:PolicyFile"] ?? throw new OptionsValidationException(
            ServiceOptions.Section, typeof(ServiceOptions),
                ["Lepton:PolicyFile takes the path of the residency policy."]);
        ResidencyPolicy policy = ResidencyPolicy.Load(path, routing.Value.Regions.Select(r => r.Name));
        return new Topology(own, [.. routing.Value.Regions], policy);
    }

    /// <summary>A region of the topology, or null.</summary>
    public RoutingOptions.RegionOptions? Find(string name)
    {
        foreach (RoutingOptions.RegionOptions region in Regions)
            if (region.Name == name)
                return region;
        return null;
    }
}
