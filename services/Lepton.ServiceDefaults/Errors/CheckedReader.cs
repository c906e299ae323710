using Grpc.Core;

namespace Lepton.ServiceDefaults;

/// <summary>
/// A request stream of which a message that cannot be read is the caller's error, not the service's. Without it the
/// failure, which is an IOException, would also look to a handler like a connection that was lost.
/// </summary>
internal sealed class CheckedReader<T>(IAsyncStreamReader<T> inner) : IAsyncStreamReader<T>
{
    public T Current => inner.Current;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            return await inner.MoveNext(cancellationToken);
        }
        catch (Exception e)
        {
            if (FrameErrorMiddleware.Of(e) is { } error)
                throw error;
            throw;
        }
    }
}
