using System.Net.Http;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Lepton.Cli.Gateway;

/// <summary>
/// A channel over several gateways: <see cref="GatewayHandler"/> finds one that can be reached, and a call that it
/// could not take (UNAVAILABLE) is sent again. Everything that the CLI calls may be repeated: inference and reading.
/// </summary>
internal static class GatewayAddresses
{
    private const int MessageBytesMax = 64 << 20;

    private static readonly ServiceConfig config = Retrying(StatusCode.Unavailable);

    /// <summary>With credentials of its own a channel tries again with newer ones.</summary>
    private static readonly ServiceConfig configWithCredentials =
        Retrying(StatusCode.Unavailable, StatusCode.Unauthenticated);

    /// <param name="urls">Gateways.</param>
    /// <param name="takeTurns">Whether they are equals; else the first that can be reached is asked.</param>
    /// <param name="handler">What connects, with its TLS options.</param>
    /// <param name="credentials">Puts credentials on each attempt, renews refused ones, and stops the retries
    /// (<c>grpc-retry-pushback-ms</c>) when it has none left to try. Null: TLS alone says who calls.</param>
    public static GrpcChannel Open(
        IReadOnlyList<Uri> urls, bool takeTurns, SocketsHttpHandler handler, DelegatingHandler? credentials = null)
    {
        GatewayHandler gateways = new(urls, takeTurns, handler, TimeProvider.System);
        if (credentials is not null)
        {
            credentials.InnerHandler = gateways;
        }

        return GrpcChannel.ForAddress(urls[0], new GrpcChannelOptions
        {
            HttpHandler = credentials ?? (HttpMessageHandler)gateways,
            DisposeHttpClient = true,
            ServiceConfig = credentials is null ? config : configWithCredentials,
            MaxReceiveMessageSize = MessageBytesMax,
            // What is to be sent again must be kept: by default nothing over 1 MiB is.
            MaxRetryBufferPerCallSize = MessageBytesMax,
            MaxRetryBufferSize = 2L * MessageBytesMax,
        });
    }

    private static ServiceConfig Retrying(params IEnumerable<StatusCode> codes)
    {
        RetryPolicy policy = new()
        {
            MaxAttempts = 5,
            InitialBackoff = TimeSpan.FromMilliseconds(100),
            MaxBackoff = TimeSpan.FromSeconds(1),
            BackoffMultiplier = 3,
        };
        foreach (StatusCode code in codes)
        {
            policy.RetryableStatusCodes.Add(code);
        }

        return new ServiceConfig
        {
            MethodConfigs = { new MethodConfig { Names = { MethodName.Default }, RetryPolicy = policy } },
        };
    }
}
