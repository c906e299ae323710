using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Grpc.Core;

namespace Lepton.Routing.Gateway;

/// <summary>Reads gRPC frames from a request body.</summary>
internal sealed class FrameReader(PipeReader body, int messageBytesMax, string encoding)
{
    /// <summary>Bytes of messages and prefixes that were read.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The next message; neither message nor error at the stream's end.</summary>
    /// <param name="inspect">
    /// Looks at the first bytes of a long message while the rest is on its way; may refuse it.
    /// </param>
    public async ValueTask<(PooledMessage? Message, RpcException? Error)> ReadAsync(
        Func<PooledMessage, RpcException?>? inspect, CancellationToken cancellation)
    {
        (int length, RpcException? error) = await ReadPrefixAsync(cancellation);
        if (length < 0)
            return (null, error);
        PooledMessage message = new(length);
        bool inspected = inspect is null;
        try
        {
            while (!message.IsComplete)
            {
                ReadResult read = await body.ReadAsync(cancellation);
                long lacking = message.Length + PooledMessage.PrefixBytes - message.Received;
                ReadOnlySequence<byte> part = read.Buffer.Slice(0, Math.Min(lacking, read.Buffer.Length));
                message.Append(part);
                BytesRead += part.Length;
                body.AdvanceTo(part.End);
                if (message.IsComplete)
                    break;
                error = read.IsCompleted ? GatewayErrors.MessageMalformed("ends before its announced length")
                    : inspected ? null : inspect?.Invoke(message);
                inspected = true;
                if (error is not null)
                    return Fail(message, error);
            }
            return (message, null);
        }
        catch
        {
            message.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Nearly every unary request: prefix, message and end came together, and are taken in one look. False: nothing
    /// was taken, and the message is to be read piece by piece.
    /// </summary>
    public bool TryReadOnly([NotNullWhen(true)] out PooledMessage? message)
    {
        message = null;
        if (!body.TryRead(out ReadResult read))
            return false;
        ReadOnlySequence<byte> buffer = read.Buffer;
        if (!read.IsCompleted || read.IsCanceled || buffer.Length < PooledMessage.PrefixBytes
            || ParsePrefix(buffer) is not (0, var length) || length > messageBytesMax
            || buffer.Length != PooledMessage.PrefixBytes + (long)length)
        {
            body.AdvanceTo(buffer.Start);
            return false;
        }
        message = new PooledMessage((int)length);
        message.Append(buffer.Slice(PooledMessage.PrefixBytes));
        BytesRead += buffer.Length;
        body.AdvanceTo(buffer.End);
        return true;
    }

    /// <summary>True when the body ends here, as it must after the one message of a unary call.</summary>
    public async ValueTask<bool> IsAtEndAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation);
            bool empty = read.Buffer.IsEmpty;
            body.AdvanceTo(read.Buffer.Start);
            if (!empty || read.IsCompleted)
                return empty;
        }
    }

    private async ValueTask<(int Length, RpcException? Error)> ReadPrefixAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation);
            if (read.Buffer.Length >= PooledMessage.PrefixBytes)
            {
                (byte compressed, uint length) = ParsePrefix(read.Buffer);
                body.AdvanceTo(read.Buffer.GetPosition(PooledMessage.PrefixBytes));
                BytesRead += PooledMessage.PrefixBytes;
                return Check(compressed, length);
            }
            bool empty = read.Buffer.IsEmpty;
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                return (-1, empty ? null : GatewayErrors.MessageMalformed("ends within its prefix"));
        }
    }

    // A compressed message would have to be inflated here and again on the node, by two inflaters that must agree on
    // every byte: refused instead. The protocol has clients fall back to identity by the answer's headers.
    private (int, RpcException?) Check(byte compressed, uint length) =>
        compressed == 1 ? (-1, GatewayErrors.EncodingNotOffered(encoding))
        : compressed != 0 ? (-1, GatewayErrors.MessageMalformed("has a compression flag other than 0 and 1"))
        : length > messageBytesMax ? (-1, GatewayErrors.MessageTooLarge(length, messageBytesMax))
        : ((int)length, null);

    private static (byte Compressed, uint Length) ParsePrefix(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PooledMessage.PrefixBytes];
        buffer.Slice(0, PooledMessage.PrefixBytes).CopyTo(prefix);
        return (prefix[0], BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
    }

    private static (PooledMessage?, RpcException?) Fail(PooledMessage message, RpcException error)
    {
        message.Dispose();
        return (null, error);
    }
}
