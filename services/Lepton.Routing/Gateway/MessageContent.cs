using System.Net;

namespace Lepton.Routing.Gateway;

/// <summary>A unary request's body: the frame as it came.</summary>
internal sealed class MessageContent(PooledMessage message) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        using PooledMessage shared = message.Share();
        await stream.WriteAsync(shared.Frame, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = message.Received;
        return true;
    }
}
