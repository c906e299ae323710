using System.Net;
using System.Net.Sockets;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests.Platform;

public sealed class PortTests
{
    [Fact]
    public void All_ThreeRegions_FollowTheBase()
    {
        PortPlan plan = new(7400, ["us-east", "eu-west", "ap-southeast"], zones: 2, wan: true);

        Dictionary<string, int> ports = plan.All().ToDictionary(p => p.Owner, p => p.Port);

        Assert.Equal(7420, ports["routing-us-east"]);
        Assert.Equal(7442, ports["inference-eu-west-b"]);
        Assert.Equal(7463, ports["inference-ap-southeast-standby"]);
        Assert.Equal(7400 + 220 + 12, ports["the wide-area relay eu-west to ap-southeast"]);
        Assert.Equal(7444, ports["routing-eu-west-b"]);
        Assert.Equal(7400 + 310 + 12, ports["the wide-area relay eu-west to ap-southeast's second router"]);
        Assert.Equal(["https://127.0.0.1:7440", "https://127.0.0.1:7444"], plan.Gateways(1));
    }

    [Fact]
    public void All_MostRegions_AreDistinctAndBelowTheBound()
    {
        string[] regions = [.. Enumerable.Range(0, PortPlan.RegionsMax).Select(i => $"r{i}")];
        PortPlan plan = new(PortPlan.BaseMax, regions, zones: 2, wan: true, records: true);

        int[] ports = [.. plan.All().Select(p => p.Port)];

        Assert.Equal(ports.Length, ports.Distinct().Count());
        Assert.Equal(65535, ports.Max() + 1);
    }

    [Fact]
    public void RequireFree_OneTaken_NamesPortPurposeAndProcess()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;

        CommandFailure failure = Assert.Throws<CommandFailure>(
            () => PortCheck.RequireFree([new PlannedPort(port, "routing-eu-west")], new ProcessTable()));

        Assert.StartsWith(
            $"Port {port}, meant for routing-eu-west, is taken by ", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"(pid {Environment.ProcessId})", failure.Message, StringComparison.Ordinal);
        taken.Stop();
        Assert.True(PortCheck.IsFree(port));
    }
}
