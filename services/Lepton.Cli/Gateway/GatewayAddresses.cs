using System.Net.Http;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Balancer;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Cli.Gateway;

/// <summary>
/// A channel over all gateways of a region, with gRPC's own means and nothing of ours: calls take turns between the
/// addresses, and one that a gateway could not take (UNAVAILABLE) is sent again, to the next. Everything that the CLI
/// calls may be repeated: inference and reading.
/// </summary>
internal static class GatewayAddresses
{
    private const int MessageBytesMax = 64 << 20;

    private static readonly ServiceConfig config = new()
    {
        LoadBalancingConfigs = { new RoundRobinConfig() },
        MethodConfigs =
        {
            new MethodConfig
            {
                Names = { MethodName.Default },
                RetryPolicy = new RetryPolicy
                {
                    MaxAttempts = 5,
                    InitialBackoff = TimeSpan.FromMilliseconds(100),
                    MaxBackoff = TimeSpan.FromSeconds(1),
                    BackoffMultiplier = 3,
                    RetryableStatusCodes = { StatusCode.Unavailable },
                },
            },
        },
    };

    public static GrpcChannel Open(IReadOnlyList<string> urls, SocketsHttpHandler handler)
    {
        BalancerAddress[] addresses =
            [.. urls.Select(url => new Uri(url)).Select(url => new BalancerAddress(url.Host, url.Port))];
        ServiceProvider services = new ServiceCollection()
            .AddSingleton<ResolverFactory>(new StaticResolverFactory(_ => addresses))
            .BuildServiceProvider();
        return GrpcChannel.ForAddress("static:///gateways", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            Credentials = ChannelCredentials.SecureSsl,
            ServiceConfig = config,
            ServiceProvider = services,
            MaxReceiveMessageSize = MessageBytesMax,
            // What is to be sent again must be kept: by default nothing over 1 MiB is.
            MaxRetryBufferPerCallSize = MessageBytesMax,
            MaxRetryBufferSize = 2L * MessageBytesMax,
        });
    }
}
