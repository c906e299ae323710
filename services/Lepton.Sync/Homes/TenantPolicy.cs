using Lepton.Compliance.Client;
using Lepton.Sync.Client;

namespace Lepton.Sync.Homes;

/// <summary>
/// The tenants' floors; which regions a class may be in is the topology's. They are the file's, until a record of a
/// greater version comes: a node of Sync follows itself, as a client.
/// </summary>
internal static class TenantPolicy
{
    /// <summary>Begins with the file.</summary>
    /// <param name="file">The residency policy.</param>
    /// <param name="regions">Those of Sync's nodes.</param>
    /// <param name="region">The own one: an order of activation says which version is active there.</param>
    /// <exception cref="ResidencyPolicyException">The file is absent or not usable.</exception>
    public static ControlRecord<ResidencyPolicy> Load(
        string file, IReadOnlyList<string> regions, string region = "") => new(
        ControlData.PolicyKey, ResidencyPolicy.Load(file, regions), p => p.Order, (now, json) =>
        {
            var next = now.Next(json, regions, region);
            // By such a policy nobody could write the one that mends it.
            return IsWide(next) || !IsWide(now) ? next : throw new ResidencyPolicyException(
                $"tenants.{TenantRules.Platform}.floor",
                $"takes a class of all of Sync's regions ({string.Join(", ", regions)}): control data is that "
                + "tenant's");

            bool IsWide(ResidencyPolicy policy) =>
                policy.TenantFloor(TenantRules.Platform) is { Kept: var set }
                && regions.All(region => set.Contains(policy.IndexOf(region)));
        });
}
