using System.Net.Http;
using System.Net.Sockets;
using Grpc.Core;
using Lepton.Cli.Gateway;
using Lepton.Routing.V1;

namespace Lepton.Cli.Platform;

/// <summary>
/// "Ready": the dashboard answers, people can log in, and every router knows all its region's nodes with their models.
/// </summary>
internal sealed class PlatformMilestones(
    PlatformFile platform, IReadOnlyList<GatewayClient> gateways, HttpClient http, HttpClient identity)
{
    /// <summary>The models of the main job; a node without one of them is not ready.</summary>
    private static readonly string[] mainModels = ["ocr", "language-id"];

    public IReadOnlyList<Milestone> All() =>
    [
        new Milestone("app host", "app host", AppHostAsync),
        new Milestone("dashboard", "dashboard", DashboardAsync),
        .. platform.Identity is { } authority
            ? (Milestone[])[new Milestone("identity", "identity", token => IdentityAsync(authority, token))]
            : [],
        .. gateways.Select(g => new Milestone("routers", RouterOf(g), token => RouterAsync(g, token))),
        .. gateways.SelectMany(g => platform.Region(g.Region).Nodes.Select(node => new Milestone(
            "nodes and models", $"{node} for {RouterOf(g)}", token => NodeAsync(g, node, token)))),
    ];

    private string RouterOf(GatewayClient gateway) => platform.Region(gateway.Region).RouterAt(gateway.Url);

    private async Task<string?> AppHostAsync(CancellationToken cancellation)
    {
        Uri uri = new(platform.Dashboard.ResourceServiceUrl);
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(uri.Host, uri.Port, cancellation);
            return null;
        }
        catch (SocketException)
        {
            return "starting";
        }
    }

    private async Task<string?> DashboardAsync(CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(platform.Dashboard.Url, cancellation);
            return (int)answer.StatusCode < 500 ? null : $"HTTP {(int)answer.StatusCode}";
        }
        catch (HttpRequestException)
        {
            return "starting";
        }
    }

    private async Task<string?> IdentityAsync(PlatformIdentity authority, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await identity.GetAsync(
                authority.IssuerUrl + "/.well-known/openid-configuration", cancellation);
            return answer.IsSuccessStatusCode ? null : $"HTTP {(int)answer.StatusCode}";
        }
        catch (HttpRequestException)
        {
            return "starting";
        }
    }

    private static async Task<string?> RouterAsync(GatewayClient gateway, CancellationToken cancellation)
    {
        try
        {
            await gateway.Routing.ListNodesAsync(
                new ListNodesRequest { PageSize = 1 }, new CallOptions(cancellationToken: cancellation));
            return null;
        }
        catch (RpcException e)
        {
            return Waiting(e, cancellation);
        }
    }

    private static async Task<string?> NodeAsync(GatewayClient gateway, string name, CancellationToken cancellation)
    {
        try
        {
            ListNodesResponse answer = await gateway.Routing.ListNodesAsync(
                new ListNodesRequest { PageSize = 1000 }, new CallOptions(cancellationToken: cancellation));
            Node? node = answer.Nodes.FirstOrDefault(n => n.Report.Node == name);
            if (node is null)
            {
                return "not registered yet";
            }

            string[] missing = [.. mainModels.Where(m => !node.Report.Models.Any(r => r.Name == m && r.Ready))];
            return missing.Length > 0 ? $"loading {string.Join(", ", missing)}"
                : node.State == NodeState.Serving ? null
                : Output.Amounts.Words(node.State);
        }
        catch (RpcException e)
        {
            return Waiting(e, cancellation);
        }
    }

    private static string Waiting(RpcException e, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return e.StatusCode == StatusCode.Unavailable
            ? "starting"
            : $"{RpcFailure.Code(e.StatusCode)}: {e.Status.Detail}";
    }
}
