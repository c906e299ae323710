using System.Net;
using Grpc.Core;

namespace Lepton.Routing.Gateway;

/// <summary>
/// A stream's body: the first message, which was read to route it, then every further one as it comes, each looked at
/// before it goes. When the router drains, it ends as if the client had sent no more: the node answers what it has.
/// </summary>
internal sealed class StreamContent(
    GatewayCall call, PooledMessage first, FrameReader reader, Func<PooledMessage, RpcException?> inspect,
    CancellationToken draining) : HttpContent
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
    private int _started;
    private bool _stopped;

    /// <summary>A second message was read: the stream can't be sent to another place any more.</summary>
    public bool ReadOn { get; private set; }

    /// <summary>Stops reading from the client and waits until nothing reads any more.</summary>
    public async Task StopAsync()
    {
        if (_stopped)
            return;
        _stopped = true;
        await _stop.CancelAsync();
        if (Interlocked.Exchange(ref _started, 1) != 0)
            await _finished.Task;
        _stop.Dispose();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
            throw new InvalidOperationException("A stream is sent once.");
        try
        {
            using CancellationTokenSource either =
                CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
            await PumpAsync(stream, either.Token);
        }
        finally
        {
            _finished.SetResult();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    private async ValueTask<(PooledMessage?, RpcException?)> ReadAsync(
        CancellationToken reading, CancellationToken stop)
    {
        try
        {
            return await reader.ReadAsync(null, reading);
        }
        catch (OperationCanceledException) when (draining.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            call.EndedEarly = GatewayErrors.Stopping();
            return (null, null);
        }
    }

    private async Task PumpAsync(Stream stream, CancellationToken stop)
    {
        await stream.WriteAsync(first.Frame, stop);
        await stream.FlushAsync(stop);
        using CancellationTokenSource reading = CancellationTokenSource.CreateLinkedTokenSource(stop, draining);
        while (true)
        {
            (PooledMessage? message, RpcException? error) = await ReadAsync(reading.Token, stop);
            ReadOn |= message is not null || error is not null;
            using (message)
            {
                error ??= message is null ? null : inspect(message);
                if (error is not null)
                    await call.RefuseAsync(error);
                stop.ThrowIfCancellationRequested();
                if (message is null)
                    return;
                await stream.WriteAsync(message.Frame, stop);
                await stream.FlushAsync(stop);
            }
        }
    }
}
