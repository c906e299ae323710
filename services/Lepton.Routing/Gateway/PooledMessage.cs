using System.Buffers;
using System.Buffers.Binary;

namespace Lepton.Routing.Gateway;

/// <summary>
/// One gRPC frame, its five-byte prefix included, in pooled memory: what came is what goes. Counted, since an upstream
/// connection may still be sending it when its answer is already there.
/// </summary>
internal sealed class PooledMessage : IDisposable
{
    public const int PrefixBytes = 5;
    private const int FirstRent = 64 << 10;

    private byte[] _buffer;
    private int _references = 1;

    /// <param name="length">
    /// Of the message, as its prefix says. Memory is rented as the bytes come, not as they are announced.
    /// </param>
    public PooledMessage(int length)
    {
        Length = length;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Min(length + PrefixBytes, FirstRent));
        _buffer[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(1), length);
        Received = PrefixBytes;
    }

    /// <summary>Bytes of the message without its prefix.</summary>
    public int Length { get; }

    /// <summary>Bytes that are here, prefix included.</summary>
    public int Received { get; private set; }

    public bool IsComplete => Received == Length + PrefixBytes;

    /// <summary>Prefix and message.</summary>
    public ReadOnlyMemory<byte> Frame => _buffer.AsMemory(0, Received);

    /// <summary>The message, as far as it came.</summary>
    public ReadOnlySpan<byte> Body => _buffer.AsSpan(PrefixBytes, Received - PrefixBytes);

    /// <summary>Takes bytes of the message; never more than it lacks.</summary>
    public void Append(in ReadOnlySequence<byte> bytes)
    {
        int count = (int)bytes.Length;
        if (Received + count > _buffer.Length)
            Grow(Received + count);
        bytes.CopyTo(_buffer.AsSpan(Received));
        Received += count;
    }

    /// <summary>One more user; each ends with <see cref="Dispose"/>.</summary>
    public PooledMessage Share()
    {
        // Never from nothing: the buffer may be another request's by then.
        int seen = Volatile.Read(ref _references);
        while (seen > 0)
        {
            int found = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (found == seen)
                return this;
            seen = found;
        }
        throw new ObjectDisposedException(nameof(PooledMessage));
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));
    }

    private void Grow(int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Length + (long)PrefixBytes,
            Math.Max(needed, 2L * _buffer.Length)));
        _buffer.AsSpan(0, Received).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
