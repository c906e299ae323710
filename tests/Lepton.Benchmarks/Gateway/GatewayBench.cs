namespace Lepton.Benchmarks.Gateway;

/// <summary>The gateway against direct, HAProxy and nginx. README.md beside this file says what is measured.</summary>
internal static class GatewayBench
{
    public static int Run(string[] args) => RunAsync(args).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(string[] args)
    {
        Cores cores = new(args.Length > 0 ? args[0] : "1", args.Length > 1 ? args[1] : "0");
        string[] names = args.Length > 2 ? args[2].Split(',') : ["direct", "haproxy", "nginx", "lepton"];
        int rounds = args.Length > 3 ? int.Parse(args[3]) : 2;
        PeerTools tools = PeerTools.Get(Path.Combine(LeptonHome(), "tools"));
        Console.WriteLine(tools.Versions);
        using CancellationTokenSource stop = new();
        await using Proxies proxies = await Proxies.StartAsync(tools, cores, stop.Token);
        for (int round = 0; round < rounds; round++)
        foreach ((int streams, bool tls) in (args.Length > 4 ? new[] {(64, false)} : new[] {(1, false), (16, false), (64, false), (64, true) }))
        foreach (Target target in proxies.Targets)
        {
            if (!names.Contains(target.Name) || tls && target.Tls == 0) continue;
            long count = await proxies.Node.AskAsync(stop.Token);
            double cpu = target.Process.CpuSeconds, nodeCpu = proxies.Node.CpuSeconds;
            long bytes = target.Name == "lepton" ? await target.Process.AskAsync(stop.Token) : 0;
            double rps = await H2Load.RunAsync(proxies, target, tls, streams, TimeSpan.FromSeconds(2), cores.Load, stop.Token);
            double done = await proxies.Node.AskAsync(stop.Token) - count;
            bytes = target.Name == "lepton" ? await target.Process.AskAsync(stop.Token) - bytes : 0;
            Console.WriteLine($"{streams,3} {(tls ? "tls" : "h2c")} {target.Name,-8} {rps,9:F0} req/s {(target.Process.CpuSeconds - cpu) * 1e6 / done,6:F1} us  node {(proxies.Node.CpuSeconds - nodeCpu) * 1e6 / done,6:F1} us  {bytes / done,6:F0} B");
        }
        return 0;
    }

    private static string LeptonHome()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == ".lepton")
                return folder.FullName;
        }
        throw new InvalidOperationException("The bench runs from the repository's .lepton/build.");
    }
}
