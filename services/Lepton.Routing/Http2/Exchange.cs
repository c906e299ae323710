using System.Buffers;
using System.Threading.Tasks.Sources;

namespace Lepton.Routing.Http2;

/// <summary>
/// One request and its answer: an HTTP/2 stream. What comes is kept until somebody takes it, within the stream's
/// window; one waits at a time, and is woken once all it waits for is here.
/// </summary>
internal sealed class Exchange(Http2Connection connection) : IValueTaskSource, IThreadPoolWorkItem, IDisposable
{
    private const int NobodyWaits = -1, FirstRent = 2048;

    // Nobody outside has reason to lock it; an object of its own would be a third of an exchange's memory.
    private object Gate => this;

    private ManualResetValueTaskSourceCore<bool> _source;
    private CancellationTokenRegistration _cancellation;
    private byte[] _buffer = [];
    private int _start, _end; // of what came and was not taken
    private int _window = Limits.StreamWindow;
    private int _credit; // taken, and not granted to the peer again
    private int _wanted = NobodyWaits;
    private bool _disposed;
    private Exception? _fault;

    /// <summary>The stream's number. Set by the connection when the head is written.</summary>
    public int Id { get; set; }

    /// <summary>What the peer lets us send. Of the connection, under its lock.</summary>
    public int SendWindow { get; set; }

    /// <summary>All of our side was sent. Of the connection, under its lock.</summary>
    public bool IsSent { get; set; }

    /// <summary>Who waits for room to send. Of the connection, under its lock.</summary>
    public TaskCompletionSource? Room { get; set; }

    /// <summary>The answer's head; null until it came.</summary>
    public FieldList? Head { get; private set; }

    /// <summary>The answer's trailers; null until they came, and where there are none.</summary>
    public FieldList? Trailers { get; private set; }

    /// <summary>The answer came to its end.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Gives the exchange up when the token is cancelled.</summary>
    public void CancelOn(CancellationToken cancellation) => _cancellation = cancellation.UnsafeRegister(
        static (exchange, token) => (exchange as Exchange)?.GiveUp(new OperationCanceledException(token)), this);

    /// <summary>Waits for the head and so many bytes to take, or for the answer's end.</summary>
    /// <exception cref="PeerException">There will be no end.</exception>
    public ValueTask WaitAsync(int bytes)
    {
        lock (Gate)
        {
            if (_fault is not null)
                return ValueTask.FromException(_fault);
            if (IsReady(bytes))
                return ValueTask.CompletedTask;
            _source.Reset();
            _wanted = bytes;
            return new ValueTask(this, _source.Version);
        }
    }

    /// <summary>Moves what came to a writer.</summary>
    public int Take(IBufferWriter<byte> to)
    {
        int taken, grant = 0;
        lock (Gate)
        {
            taken = _end - _start;
            if (taken == 0)
                return 0;
            to.Write(_buffer.AsSpan(_start, taken));
            (_start, _end) = (0, 0);
            _credit += taken;
            if (!IsEnded && _credit >= Limits.StreamWindow / 2)
            {
                (grant, _credit) = (_credit, 0);
                _window += grant;
            }
        }
        connection.Taken(taken, Id, grant);
        return taken;
    }

    /// <summary>Sends bytes of the body, as the windows allow; false: the peer has ended, and takes no more.</summary>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, bool end)
    {
        while (true)
        {
            (int sent, Task? room) = connection.Send(this, bytes.Span, end);
            if (sent < 0)
                return false;
            bytes = bytes[sent..];
            if (room is null)
                return true;
            await room;
        }
    }

    /// <summary>Nobody wants the answer any more.</summary>
    public void GiveUp(Exception why)
    {
        if (!IsEnded)
            connection.Reset(this, ErrorCode.Cancel);
        Fail(why);
    }

    /// <summary>Gives it up, if it is not over.</summary>
    public void Dispose()
    {
        byte[] buffer;
        int left;
        lock (Gate)
        {
            if (_disposed)
                return;
            _disposed = true; // nothing is kept from now on
            (buffer, left, _buffer, _start, _end) = (_buffer, _end - _start, [], 0, 0);
        }
        _cancellation.Dispose();
        GiveUp(new ObjectDisposedException(nameof(Exchange)));
        if (left > 0)
            connection.Taken(left);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Head or trailers came. By the connection's reader.</summary>
    /// <returns>False: they are out of order.</returns>
    public bool OnFields(FieldList fields, bool end)
    {
        lock (Gate)
        {
            if (Head is null && fields.Status is >= 100 and < 200)
                return !end; // informational: the head is still to come
            if (Head is not null ? !end || fields.Status != 0 : fields.Status == 0)
                return false;
            if (Head is null)
                Head = fields;
            else
                Trailers = fields;
            IsEnded = end;
        }
        Wake();
        return true;
    }

    /// <summary>A part of the body came. By the connection's reader.</summary>
    /// <param name="bytes">Of the body.</param>
    /// <param name="padding">Bytes that count against the window and mean nothing.</param>
    /// <param name="end">The last one.</param>
    public ErrorCode OnData(ReadOnlySpan<byte> bytes, int padding, bool end)
    {
        bool isKept;
        lock (Gate)
        {
            if (Head is null)
                return ErrorCode.Protocol;
            _window -= bytes.Length + padding;
            if (_window < 0)
                return ErrorCode.FlowControl;
            _credit += padding;
            isKept = !_disposed && _fault is null;
            if (isKept)
                Keep(bytes);
            IsEnded = end;
        }
        if (padding > 0 || !isKept)
            connection.Taken(padding + (isKept ? 0 : bytes.Length));
        Wake();
        return ErrorCode.None;
    }

    /// <summary>There will be no end.</summary>
    public void Fail(Exception fault)
    {
        lock (Gate)
        {
            if (IsEnded || _fault is not null)
                return;
            _fault = fault;
        }
        Wake();
    }

    void IThreadPoolWorkItem.Execute() => _source.SetResult(true);

    void IValueTaskSource.GetResult(short token)
    {
        _source.GetResult(token);
        lock (Gate)
            if (_fault is not null)
                throw _fault;
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private bool IsReady(int bytes) =>
        _fault is not null || IsEnded || (Head is not null && _end - _start >= bytes);

    // On a thread of the pool: the reader has other exchanges to look after.
    private void Wake()
    {
        lock (Gate)
        {
            if (_wanted == NobodyWaits || !IsReady(_wanted))
                return;
            _wanted = NobodyWaits;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_buffer.Length - _end < bytes.Length)
        {
            int kept = _end - _start;
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstRent, Math.Max(kept + bytes.Length, 2 * kept)));
            _buffer.AsSpan(_start, kept).CopyTo(larger);
            if (_buffer.Length > 0)
                ArrayPool<byte>.Shared.Return(_buffer);
            (_buffer, _start, _end) = (larger, 0, kept);
        }
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }
}
