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

    private static readonly ServiceConfig config = new()
    {
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

    /// <param name="urls">Gateways.</param>
    /// <param name="takeTurns">Whether they are equals; else the first that can be reached is asked.</param>
    /// <param name="handler">What connects, with its TLS options.</param>
    public static GrpcChannel Open(IReadOnlyList<Uri> urls, bool takeTurns, SocketsHttpHandler handler) =>
        GrpcChannel.ForAddress(urls[0], new GrpcChannelOptions
        {
            HttpHandler = new GatewayHandler(urls, takeTurns, handler, TimeProvider.System),
            DisposeHttpClient = true,
            ServiceConfig = config,
            MaxReceiveMessageSize = MessageBytesMax,
            // What is to be sent again must be kept: by default nothing over 1 MiB is.
            MaxRetryBufferPerCallSize = MessageBytesMax,
            MaxRetryBufferSize = 2L * MessageBytesMax,
        });
}
