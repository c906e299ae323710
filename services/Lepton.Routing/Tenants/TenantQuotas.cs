using System.Collections.Concurrent;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tenants;

/// <summary>The tenants' quotas in this region, as this router knows their use.</summary>
internal sealed class TenantQuotas(
    AccessFile access, Topology topology, IOptions<RoutingOptions> options, TimeProvider time)
{
    // As many as an access file has; a tenant is one of the policy's, so nobody can invent more.
    private readonly ConcurrentDictionary<string, TenantUse> _use = new(StringComparer.Ordinal);

    /// <summary>Tells this process's counts from those of an earlier one of the same name.</summary>
    private readonly long _run = time.GetUtcNow().UtcTicks;

    /// <summary>Admits one request of a tenant.</summary>
    /// <param name="tenant">Whose it is.</param>
    /// <param name="use">What to leave when it ends; null: the tenant has no quota, or was refused.</param>
    public QuotaRefusal? Enter(string tenant, out TenantUse? use)
    {
        TenantTerms terms = access.Current.TermsOf(tenant);
        use = null;
        if (terms is { RequestsPerSecond: 0, ConcurrentRequests: 0 })
            return null;
        TenantUse of = Of(tenant);
        QuotaRefusal? refusal = of.Enter(terms, options.Value.Quotas.SiblingAgeMax);
        use = refusal is null ? of : null;
        return refusal;
    }

    /// <summary>A further message of a stream.</summary>
    public QuotaRefusal? Message(string tenant, TenantUse use) => use.Message(access.Current.TermsOf(tenant));

    /// <summary>What this router's siblings are told: every tenant that was ever bounded here.</summary>
    public ShareUseRequest Report()
    {
        ShareUseRequest report = new() { Router = topology.Router, Run = _run };
        foreach ((string tenant, TenantUse use) in _use)
        {
            (long requests, int underWay) = use.Own;
            report.Tenants.Add(new Routing.V1.TenantUse
            {
                Tenant = tenant, Requests = (ulong)requests, UnderWay = (uint)underWay,
            });
        }
        return report;
    }

    /// <summary>Takes a sibling's report.</summary>
    public void Take(ShareUseRequest report)
    {
        foreach (Routing.V1.TenantUse use in report.Tenants)
        {
            int underWay = (int)Math.Min(use.UnderWay, int.MaxValue);
            Of(use.Tenant).Take(report.Router, report.Run, (long)use.Requests, underWay);
        }
    }

    private TenantUse Of(string tenant) => _use.GetOrAdd(tenant, static (_, clock) => new TenantUse(clock), time);
}
