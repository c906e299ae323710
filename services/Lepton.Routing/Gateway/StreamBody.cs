using Grpc.Core;
using Lepton.Routing.Http2;

namespace Lepton.Routing.Gateway;

/// <summary>
/// A stream's body: the first message, which was read to route it, then every further one as it comes, each looked at
/// before it goes. When the router drains, it ends as if the client had sent no more: the node answers what it has.
/// </summary>
internal sealed class StreamBody(
    GatewayCall call, PooledMessage first, FrameReader reader, Func<PooledMessage, RpcException?> inspect,
    CancellationToken draining) : RequestBody
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
    private int _started;
    private bool _stopped;

    /// <summary>A second message was read: the stream can't be sent to another place any more.</summary>
    public bool ReadOn { get; private set; }

    public override ReadOnlyMemory<byte> First => first.Frame;

    public override bool IsWhole => false;

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

    public override async Task SendRestAsync(Exchange to, int sent, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
            throw new InvalidOperationException("A stream is sent once.");
        try
        {
            using CancellationTokenSource either =
                CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellation);
            await PumpAsync(to, sent, either.Token);
        }
        catch (Exception e)
        {
            to.GiveUp(e); // whoever waits for the answer tells what it means
        }
        finally
        {
            _finished.SetResult();
        }
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

    private async Task PumpAsync(Exchange to, int sent, CancellationToken stop)
    {
        bool isTaken = await to.SendAsync(first.Frame[sent..], end: false);
        using CancellationTokenSource reading = CancellationTokenSource.CreateLinkedTokenSource(stop, draining);
        while (isTaken)
        {
            (PooledMessage? message, RpcException? error) = await ReadAsync(reading.Token, stop);
            ReadOn |= message is not null || error is not null;
            using (message)
            {
                error ??= message is null ? null : inspect(message);
                if (error is not null)
                    await call.RefuseAsync(error);
                stop.ThrowIfCancellationRequested();
                isTaken = await to.SendAsync(message?.Frame ?? default, end: message is null);
                if (message is null)
                    return;
            }
        }
    }
}
