using Lepton.Compliance.Client;
using Lepton.Routing.Regions;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Routing;

/// <summary>
/// The regions, fixed from the start of this process, and the residency policy in force: the file's until a record of
/// Sync's of a greater version comes.
/// </summary>
internal sealed class Topology
{
    private readonly ControlAge? _age;

    public Topology(
        string own, IReadOnlyList<RoutingOptions.RegionOptions> regions, ResidencyPolicy policy, string router = "",
        ControlAge? age = null)
    {
        Own = own;
        _age = age;
        PolicyRecord = new ControlRecord<ResidencyPolicy>(ControlData.PolicyKey, policy, p => p.Order,
            (now, json) => now.Next(json, regions.Select(r => r.Name), own));
        Regions = [.. regions.OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => r.ToSite())];
        OwnIndex = policy.IndexOf(own);
        IReadOnlyList<RouterSite> routers = Find(own)?.Routers ?? [];
        Router = router.Length == 0 && routers is [var only] ? only.Name : router;
        Siblings = [.. routers.Where(r => r.Name != Router)];
    }

    /// <summary>The router's own region.</summary>
    public string Own { get; }

    /// <summary>Its index in the policy's sets.</summary>
    public int OwnIndex { get; }

    /// <summary>The router's own name.</summary>
    public string Router { get; }

    /// <summary>The other routers of the own region.</summary>
    public IReadOnlyList<RouterSite> Siblings { get; }

    /// <summary>What a request began with counts to its end: keep it, and ask only once.</summary>
    public ResidencyPolicy Policy => PolicyRecord.Current;

    /// <summary>Whether the policy still holds has not been known for too long.</summary>
    public bool IsPolicyTooOld => _age?.IsTooOld == true;

    /// <summary>Takes the policies that come.</summary>
    public ControlRecord<ResidencyPolicy> PolicyRecord { get; }

    /// <summary>Every region, by name.</summary>
    public IReadOnlyList<RegionSite> Regions { get; }

    /// <summary>Every router of every other region.</summary>
    public IEnumerable<RouterSite> RemoteRouters => Regions.Where(r => r.Name != Own).SelectMany(r => r.Routers);

    public static Topology Load(IOptions<ServiceOptions> service, IOptions<RoutingOptions> routing,
        IConfiguration configuration, ControlAge? age)
    {
        string own = service.Value.Region, router = routing.Value.Router;
        if (routing.Value.Regions.FirstOrDefault(r => r.Name == own)?.ToSite() is not { } site)
            throw Invalid(RoutingOptions.Section, $"Routing:Regions takes every region, the own one ({own}) too.");
        if (router.Length == 0 ? site.Routers.Count > 1 : site.Routers.All(r => r.Name != router))
            throw Invalid(RoutingOptions.Section, $"Routing:Router takes this router's own name, one of "
                + $"{string.Join(", ", site.Routers.Select(r => r.Name))}; not '{router}'.");
        string path = configuration["Lepton:PolicyFile"]
            ?? throw Invalid(ServiceOptions.Section, "Lepton:PolicyFile takes the path of the residency policy.");
        ResidencyPolicy policy = ResidencyPolicy.Load(path, routing.Value.Regions.Select(r => r.Name));
        return new Topology(own, [.. routing.Value.Regions], policy, router, age);
    }

    /// <summary>A region of the topology, or null.</summary>
    public RegionSite? Find(string name)
    {
        foreach (RegionSite region in Regions)
            if (region.Name == name)
                return region;
        return null;
    }

    private static OptionsValidationException Invalid(string section, string fault) =>
        new(section, section == RoutingOptions.Section ? typeof(RoutingOptions) : typeof(ServiceOptions), [fault]);
}
