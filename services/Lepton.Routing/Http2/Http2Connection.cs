using System.Buffers.Binary;

namespace Lepton.Routing.Http2;

/// <summary>
/// One connection to a peer as a client (RFC 9113): its streams and its life. What changes more than one thing happens
/// under one lock; nothing waits under it.
/// </summary>
internal sealed class Http2Connection
{
    private const int StreamIdMax = int.MaxValue - 2;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Exchange> _streams = [];
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Stream _stream;
    private readonly Outbound _outbound;
    private readonly KeepAlive _keepAlive;
    private readonly ITimer _timer;
    private readonly Action<Http2Connection> _gone;
    private int _nextId = 1;
    private int _streamsMax = int.MaxValue; // the protocol's default; the peer's word comes before a request
    private int _credit; // bytes of answers that were taken, and not granted to the peer again
    private bool _leaving, _closed;

    private Http2Connection(Stream stream, TimeProvider time, Action<Http2Connection> gone)
    {
        (_stream, _gone) = (stream, gone);
        _keepAlive = new KeepAlive(time);
        _outbound = new Outbound(new Output(stream, _gate, OnFlushed, e => Close(e)));
        _timer = time.CreateTimer(static c => (c as Http2Connection)?.Look(), this, KeepAlive.Interval,
            KeepAlive.Interval);
    }

    /// <summary>Another request can be sent here.</summary>
    public bool HasRoom
    {
        get { lock (_gate) return CanOpen; }
    }

    // Under the lock.
    private bool CanOpen => !_closed && !_leaving && _streams.Count < _streamsMax && _nextId < StreamIdMax;

    /// <summary>Speaks HTTP/2 on a stream that was just connected; ready when the peer has said its settings.</summary>
    /// <param name="gone">Called, perhaps twice, when no further request can be sent here.</param>
    public static async Task<Http2Connection> StartAsync(
        Stream stream, TimeProvider time, Action<Http2Connection> gone, CancellationToken cancellation)
    {
        Http2Connection connection = new(stream, time, gone);
        lock (connection._gate)
            connection._outbound.Greet();
        _ = new Inbound(connection, stream).RunAsync();
        try
        {
            await connection._settled.Task.WaitAsync(cancellation);
            return connection;
        }
        catch
        {
            connection.Close(new IOException("The peer sent no settings."));
            throw;
        }
    }

    /// <summary>Starts a request: its head and as much of its body as the windows allow, in one piece.</summary>
    /// <returns>Bytes of the body that are on their way; -1: there is no room, nothing was sent.</returns>
    public int Open(Exchange exchange, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, bool end)
    {
        lock (_gate)
        {
            if (!CanOpen)
                return -1;
            exchange.Id = _nextId;
            _nextId += 2;
            if (_streams.Count == 0)
                _keepAlive.Heard(); // silence counts from when somebody waits
            _streams.Add(exchange.Id, exchange);
            return _outbound.Open(exchange, head, body, end);
        }
    }

    /// <summary>Sends more of a body.</summary>
    /// <returns>Bytes sent, -1 when the stream is over; and what to wait for when not all was.</returns>
    public (int Sent, Task? Room) Send(Exchange exchange, ReadOnlySpan<byte> body, bool end)
    {
        lock (_gate)
        {
            if (exchange.IsSent || !_streams.ContainsKey(exchange.Id))
                return (-1, null);
            int sent = _outbound.Send(exchange, body, end);
            return (sent, sent == body.Length ? null : _outbound.Block(exchange));
        }
    }

    /// <summary>Bytes of an answer were taken or thrown away: the peer may send as many more.</summary>
    /// <param name="bytes">Of the connection's window.</param>
    /// <param name="stream">Whose own window is widened too; 0: nobody's.</param>
    /// <param name="grant">By how much.</param>
    public void Taken(int bytes, int stream = 0, int grant = 0)
    {
        lock (_gate)
        {
            _credit += bytes;
            bool isDue = _credit >= Limits.ConnectionWindow / 4;
            if (_closed || (!isDue && grant == 0))
                return;
            if (grant > 0 && _streams.ContainsKey(stream))
                _outbound.Widen(stream, grant);
            if (isDue)
            {
                _outbound.Widen(0, _credit);
                _credit = 0;
            }
            _outbound.Flush();
        }
    }

    /// <summary>Ends a stream from our side, if it still is.</summary>
    public void Reset(Exchange exchange, ErrorCode code) => Forget(exchange, code, unlessSent: false);

    /// <summary>The answer has ended. A request that was not sent to its end by then is not wanted any more.</summary>
    public void Ended(Exchange exchange) => Forget(exchange, ErrorCode.Cancel, unlessSent: true);

    /// <summary>The stream is over, whoever ended it.</summary>
    public void Remove(Exchange exchange) => Forget(exchange, ErrorCode.None, unlessSent: true);

    /// <summary>Takes no more requests; closes when the last answer has come.</summary>
    public void Leave()
    {
        lock (_gate)
            _leaving = true;
        _gone(this);
        CloseIfUnused();
    }

    /// <summary>Ends the connection: what is under way fails.</summary>
    public void Close(Exception why, ErrorCode code = ErrorCode.None)
    {
        Exchange[] open;
        lock (_gate)
        {
            if (_closed)
                return;
            _closed = true;
            open = [.. _streams.Values];
            _streams.Clear();
            _outbound.Wake(null);
            if (code != ErrorCode.None)
                _outbound.GoAway(code);
            else
                End();
        }
        _settled.TrySetException(why);
        foreach (Exchange exchange in open)
            exchange.Fail(new PeerException(PeerFault.ConnectionLost, why.Message, why));
        _gone(this);
    }

    /// <summary>The peer gave a sign of life.</summary>
    public void Heard()
    {
        lock (_gate)
            _keepAlive.Heard();
    }

    /// <summary>The exchange of a frame; null: it is over, and its last frames are still coming.</summary>
    public Exchange? Find(int stream)
    {
        lock (_gate)
            return _streams.TryGetValue(stream, out Exchange? exchange) ? exchange
                : (stream & 1) == 1 && stream < _nextId ? null
                : throw new Http2Exception(ErrorCode.Protocol, $"There is no stream {stream}.");
    }

    /// <summary>The peer's settings; the first are its greeting.</summary>
    public void OnSettings(ReadOnlySpan<byte> settings)
    {
        lock (_gate)
        {
            for (; !settings.IsEmpty; settings = settings[6..])
            {
                uint value = BinaryPrimitives.ReadUInt32BigEndian(settings[2..]);
                switch ((Setting)BinaryPrimitives.ReadUInt16BigEndian(settings))
                {
                    case Setting.ConcurrentStreamsMax:
                        _streamsMax = (int)Math.Min(value, int.MaxValue);
                        break;
                    case Setting.InitialWindow:
                        _outbound.OnInitialWindow(value, _streams.Values);
                        break;
                }
            }
            _outbound.Acknowledge(FrameType.Settings, []);
        }
        _settled.TrySetResult();
    }

    public void OnPing(ReadOnlySpan<byte> data)
    {
        lock (_gate)
            _outbound.Acknowledge(FrameType.Ping, data);
    }

    public void OnWindowUpdate(int stream, int more)
    {
        lock (_gate)
        {
            if (stream == 0)
                _outbound.OnWindow(null, more);
            else if (_streams.TryGetValue(stream, out Exchange? exchange))
                _outbound.OnWindow(exchange, more);
        }
    }

    /// <summary>The peer leaves: streams after the last one it names were not taken, the others go on.</summary>
    public void OnGoAway(int last, ErrorCode code)
    {
        Exchange[] left;
        lock (_gate)
        {
            _leaving = true;
            left = [.. _streams.Values.Where(e => e.Id > last)];
        }
        foreach (Exchange exchange in left)
        {
            exchange.Fail(new PeerException(PeerFault.Unprocessed, $"The peer leaves ({code}) and did not take it."));
            Remove(exchange);
        }
        Leave();
    }

    // Reset and forgotten at once: a frame after the reset, of whoever sends or takes meanwhile, would have the peer
    // end the connection (RFC 9113, 5.1: STREAM_CLOSED), and everybody's requests with it.
    private void Forget(Exchange exchange, ErrorCode code, bool unlessSent)
    {
        bool isLeaving;
        lock (_gate)
        {
            if (_streams.Remove(exchange.Id) && code != ErrorCode.None && !(unlessSent && exchange.IsSent))
                _outbound.Reset(exchange.Id, code);
            _outbound.Wake(exchange);
            isLeaving = _leaving;
        }
        if (isLeaving)
            CloseIfUnused();
    }

    private void CloseIfUnused()
    {
        bool isUsed;
        lock (_gate)
            isUsed = _streams.Count > 0;
        if (!isUsed)
            Close(new IOException("The connection is no longer used."));
    }

    private void OnFlushed()
    {
        if (_closed && _outbound.IsFlushed)
            End();
        else
            _outbound.Wake(null);
    }

    private void Look()
    {
        Vitality found;
        lock (_gate)
        {
            if (_closed)
            {
                End(); // the last words found no listener
                return;
            }
            found = _keepAlive.Look(_streams.Count > 0);
            if (found == Vitality.Ask)
                _outbound.Ping();
        }
        if (found == Vitality.Dead)
            Close(new IOException("The peer does not answer any more."));
        else if (found == Vitality.Idle)
            Close(new IOException("The connection was idle."));
    }

    private void End()
    {
        _timer.Dispose();
        _stream.Dispose();
    }
}
