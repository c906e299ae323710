using System.Buffers;

namespace Lepton.Routing.Http2;

/// <summary>
/// What is to be written to a connection. Whoever writes appends under the connection's lock and goes on; one work item
/// takes all that gathered until it ran, in one write: many requests, one system call.
/// </summary>
/// <param name="stream">Where it goes.</param>
/// <param name="gate">The connection's lock.</param>
/// <param name="flushed">Called under the lock when room was made.</param>
/// <param name="failed">Called when the stream takes no more.</param>
internal sealed class Output(Stream stream, Lock gate, Action flushed, Action<Exception> failed) : IThreadPoolWorkItem
{
    private const int UsualBytes = 32 << 10, KeptBytesMax = 256 << 10;

    private byte[] _filling = ArrayPool<byte>.Shared.Rent(UsualBytes);
    private byte[] _flushing = [];
    private int _length;
    private int _underWay;
    private bool _busy;

    /// <summary>Bytes that the stream has not taken yet. Under the lock.</summary>
    public int Pending => _length + _underWay;

    /// <summary>Appends a frame's head and makes room for its payload, which the caller fills. Under the
    /// lock.</summary>
    public Span<byte> Frame(FrameType type, FrameFlags flags, int stream, int length)
    {
        int start = _length, end = start + FrameHeader.Bytes + length;
        Reserve(end);
        new FrameHeader(length, type, flags, stream).Write(_filling.AsSpan(start));
        _length = end;
        return _filling.AsSpan(start + FrameHeader.Bytes, length);
    }

    /// <summary>Appends bytes as they are. Under the lock.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        Reserve(_length + bytes.Length);
        bytes.CopyTo(_filling.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Has what was appended written soon. Under the lock.</summary>
    public void Flush()
    {
        if (_busy || _length == 0)
            return;
        _busy = true;
        // Behind the requests that wait for a thread already: what they send goes with it.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            while (Swap())
            {
                await stream.WriteAsync(_flushing.AsMemory(0, _underWay));
                lock (gate)
                {
                    _underWay = 0;
                    flushed();
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            failed(e); // busy for ever: nothing is written after a failed write
        }
    }

    private bool Swap()
    {
        lock (gate)
        {
            if (_length == 0)
            {
                _busy = false;
                return false;
            }
            byte[] empty = _flushing;
            if (empty.Length is 0 or > KeptBytesMax)
            {
                ArrayPool<byte>.Shared.Return(empty);
                empty = ArrayPool<byte>.Shared.Rent(UsualBytes);
            }
            (_flushing, _filling, _underWay, _length) = (_filling, empty, _length, 0);
            return true;
        }
    }

    private void Reserve(int bytes)
    {
        if (bytes <= _filling.Length)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, 2 * _filling.Length));
        _filling.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_filling);
        _filling = larger;
    }
}
