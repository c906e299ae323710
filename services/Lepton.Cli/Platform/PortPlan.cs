namespace Lepton.Cli.Platform;

/// <summary>A port of the plan and who listens there.</summary>
internal readonly record struct PlannedPort(int Port, string Owner);

/// <summary>
/// Every port of an instance follows from its base port, so that addresses are known before anything runs and
/// survive a restart. The app host computes the same plan from the same base.
/// </summary>
internal sealed class PortPlan(
    int basePort, IReadOnlyList<string> regions, int zones, bool wan, bool records = false)
{
    public const int DefaultBase = 7400;
    public const int RegionsMax = 9;

    /// <summary>
    /// The highest port of a plan is base + 670 + 10 × 8 + 8, the relay of the last pair to its second compliance.
    /// </summary>
    public const int BaseMax = 65535 - 758;

    public string Dashboard => $"http://127.0.0.1:{basePort}";

    public string OtlpGrpc => $"http://127.0.0.1:{basePort + 1}";

    public string ResourceService => $"http://127.0.0.1:{basePort + 2}";

    public string OtlpHttp => $"http://127.0.0.1:{basePort + 3}";

    /// <summary>Where people log in.</summary>
    public string Identity => $"https://127.0.0.1:{basePort + 4}";

    /// <summary>The gateways of a region, one a zone; the first is zone a's.</summary>
    public IReadOnlyList<string> Gateways(int region) =>
        [.. Enumerable.Range(0, zones).Select(router => $"https://127.0.0.1:{RouterPort(region, router)}")];

    public IEnumerable<PlannedPort> All()
    {
        yield return new PlannedPort(basePort, "the dashboard");
        yield return new PlannedPort(basePort + 1, "the dashboard's OTLP endpoint (gRPC)");
        yield return new PlannedPort(basePort + 2, "the resource service");
        yield return new PlannedPort(basePort + 3, "the dashboard's OTLP endpoint (HTTP)");
        yield return new PlannedPort(basePort + 4, "identity");
        for (int i = 0; i < regions.Count; i++)
        {
            yield return new PlannedPort(RegionBase(i), $"routing-{regions[i]}");
            yield return new PlannedPort(RegionBase(i) + 1, $"inference-{regions[i]}-a");
            if (zones > 1)
            {
                yield return new PlannedPort(RegionBase(i) + 2, $"inference-{regions[i]}-b");
            }

            yield return new PlannedPort(RegionBase(i) + 3, $"inference-{regions[i]}-standby");
            if (zones > 1)
            {
                yield return new PlannedPort(RouterPort(i, 1), $"routing-{regions[i]}-b");
            }

            for (int node = 0; records && node < zones; node++)
            {
                yield return new PlannedPort(SyncPort(i, node), $"sync-{regions[i]}-{"ab"[node]}");
                yield return new PlannedPort(CompliancePort(i, node), $"compliance-{regions[i]}-{"ab"[node]}");
            }
        }

        foreach (PlannedPort relay in Relays())
        {
            yield return relay;
        }
    }

    /// <summary>The sync nodes of a region, one a zone.</summary>
    public IReadOnlyList<string> SyncNodes(int region) =>
        [.. Enumerable.Range(0, zones).Select(node => $"https://127.0.0.1:{SyncPort(region, node)}")];

    /// <summary>The compliance services of a region, one a zone.</summary>
    public IReadOnlyList<string> ComplianceNodes(int region) =>
        [.. Enumerable.Range(0, zones).Select(node => $"https://127.0.0.1:{CompliancePort(region, node)}")];

    private int RegionBase(int region) => basePort + (20 * (region + 1));

    private int RouterPort(int region, int router) => RegionBase(region) + (4 * router);

    private int SyncPort(int region, int node) => RegionBase(region) + 5 + node;

    private int CompliancePort(int region, int node) => RegionBase(region) + 7 + node;

    private IEnumerable<PlannedPort> Relays()
    {
        for (int from = 0; wan && from < regions.Count; from++)
        {
            for (int to = 0; to < regions.Count; to++)
            {
                for (int zone = 0; from != to && zone < zones; zone++)
                {
                    string owner = $"the wide-area relay {regions[from]} to {regions[to]}";
                    int offset = (90 * zone) + (10 * from) + to;
                    yield return new PlannedPort(
                        basePort + 220 + offset, zone == 0 ? owner : owner + "'s second router");
                    if (records)
                    {
                        yield return new PlannedPort(basePort + 400 + offset, $"{owner}'s sync node {"ab"[zone]}");
                        yield return new PlannedPort(basePort + 580 + offset, $"{owner}'s compliance {"ab"[zone]}");
                    }
                }
            }
        }
    }
}
