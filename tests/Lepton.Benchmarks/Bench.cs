using Lepton.Benchmarks.Decision;

namespace Lepton.Benchmarks;

/// <summary>The benches by name. Each prints a table and, last, one JSON line: {"bench":"…","ratios":{…}}.</summary>
internal static class Bench
{
    private static readonly (string Name, string Measures, Func<string[], int> Run)[] All =
    [
        ("decision", "guarded pick against plain LINQ, ns and bytes", DecisionBench.Run),
        ("balance", "the default strategy against R2 and all others", Balance.BalanceBench.Run),
        ("failover", "calls failed and leaked while processes are killed", Failover.FailoverBench.Run),
        ("inference", "served throughput over raw ONNX Runtime", Inference.InferenceBench.Run),
        ("token", "what a request pays for its access token, ns and bytes", Token.TokenBench.Run),
        ("placement", "what adding a node moves over the ideal, and the fullest over the mean",
            Placement.PlacementBench.Run),
        ("sealing", "a record sealed and opened against AES-GCM alone, ns and bytes", Sync.SealingBench.Run),
        ("policy", "a residency decision by table and by walking the rules, and the check before activation",
            Policy.PolicyBench.Run),
        ("gateway", "requests/s, processor time and latency beside HAProxy and nginx", Gateway.GatewayBench.Run),
        ("sync", "writes, capture, replication, reads and placement beside PostgreSQL and etcd", Sync.SyncBench.Run),
        ("audit", "appending to the audit log against COPY of the same rows, and verified entries/s",
            Audit.AuditAppendBench.Run),
        ("audit-search", "a page of each form of search in 5 M rows of the audit log, ms", Audit.AuditSearchBench.Run),
        ("scale", "violated promises and node hours beside the HPA and fixed capacity", Scale.ScaleBench.Run),
        ("ledger", "acknowledged writes lost while processes, servers, disks and wires fail",
            Sync.Ledger.LedgerBench.Run),
    ];

    // Processes that a bench starts of this same program.
    private static readonly (string Name, Func<string[], int> Run)[] Roles =
    [
        (Gateway.Upstream.Role, Gateway.Upstream.Run),
        (Gateway.LeptonFront.Role, Gateway.LeptonFront.Run),
        (Gateway.BareFront.Role, Gateway.BareFront.Run),
        (Gateway.FrameLoad.Role, Gateway.FrameLoad.Run),
    ];

    /// <summary>The folder that the build's output lies in.</summary>
    internal static string Home()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == ".lepton")
                return folder.FullName;
        }
        throw new InvalidOperationException("The bench runs from the repository's .lepton/build.");
    }

    internal static int Run(string[] args)
    {
        foreach (var bench in All)
            if (args.Length > 0 && args[0] == bench.Name)
                return bench.Run(args[1..]);
        foreach (var role in Roles)
            if (args.Length > 0 && args[0] == role.Name)
                return role.Run(args[1..]);
        Console.Error.WriteLine("Which bench?");
        foreach (var bench in All)
            Console.Error.WriteLine($"  {bench.Name,-12}{bench.Measures}");
        return 2;
    }
}
