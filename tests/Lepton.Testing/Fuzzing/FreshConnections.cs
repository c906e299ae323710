using System.Collections.Concurrent;

namespace Lepton.Testing.Fuzzing;

/// <summary>
/// A connection for each request. The last ones stay open until their answers have surely been read; older ones are
/// closed, or ten thousand requests would take as many sockets.
/// </summary>
internal sealed class FreshConnections(Func<HttpMessageHandler> connect) : HttpMessageHandler
{
    private const int OpenMax = 256;

    private readonly ConcurrentQueue<HttpMessageInvoker> open = new();

    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var connection = new HttpMessageInvoker(connect());
        open.Enqueue(connection);
        if (open.Count > OpenMax && open.TryDequeue(out var oldest))
            oldest.Dispose();
        return connection.SendAsync(request, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            while (open.TryDequeue(out var connection))
                connection.Dispose();
        base.Dispose(disposing);
    }
}
